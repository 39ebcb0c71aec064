package dev.outbox.relay.cli;

import dev.outbox.relay.ops.Finding;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.common.KafkaException;

/** Asks a Kafka cluster who it is, with the way in that the producer takes. */
final class KafkaCheck {

    private static final String SUBJECT = "kafka";
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private KafkaCheck() {}

    static Finding run(String servers, Map<String, String> producerProperties) {
        Map<String, Object> properties = new HashMap<>(producerProperties);
        properties.keySet().retainAll(AdminClientConfig.configNames());
        properties.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
        properties.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) TIMEOUT.toMillis());
        properties.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) TIMEOUT.toMillis());
        try (Admin admin = Admin.create(properties)) {
            DescribeClusterResult cluster = admin.describeCluster();
            long wait = TIMEOUT.toSeconds() + 1;
            String id = cluster.clusterId().get(wait, TimeUnit.SECONDS);
            int brokers = cluster.nodes().get(wait, TimeUnit.SECONDS).size();
            return Finding.ok(SUBJECT, "answers, servers=" + servers + ", cluster=" + id + ", brokers=" + brokers);
        } catch (ExecutionException e) {
            return unusable(servers, e.getCause() == null ? e : e.getCause());
        } catch (KafkaException | TimeoutException e) {
            return unusable(servers, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return unusable(servers, e);
        }
    }

    private static Finding unusable(String servers, Throwable cause) {
        return Finding.failed(SUBJECT, "does not answer, servers=" + servers + ", error=" + OutboxMain.message(cause));
    }
}
