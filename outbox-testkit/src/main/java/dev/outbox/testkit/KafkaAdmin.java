package dev.outbox.testkit;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;

/** Short errands to a Kafka server, each with a connection of its own: no client is left to notice a kill. */
final class KafkaAdmin {

    private static final Duration TIMEOUT = Duration.ofMinutes(2);
    private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(2);

    static void createTopic(String servers, String topic, int partitions, Map<String, String> config) {
        try (Admin admin = admin(servers, TIMEOUT)) {
            NewTopic wanted = new NewTopic(topic, Optional.of(partitions), Optional.empty()).configs(config);
            Await.until("topic to be made: topic=" + topic, TIMEOUT, () -> isCreated(admin, wanted));
            Await.until("partitions to have leaders: topic=" + topic, TIMEOUT, () -> hasLeaders(admin, topic));
        }
    }

    /**
     * False while the controller takes the broker for dead: after a moment without a processor it has to be let in again,
     * which takes a heartbeat.
     */
    private static boolean isCreated(Admin admin, NewTopic wanted) {
        try {
            get(admin.createTopics(List.of(wanted)).all(), "create topic " + wanted.name());
            return true;
        } catch (IllegalStateException e) {
            if (e.getCause() instanceof ExecutionException failed
                    && failed.getCause() instanceof InvalidReplicationFactorException) {
                return false;
            }
            throw e;
        }
    }

    static void deleteTopic(String servers, String topic) {
        try (Admin admin = admin(servers, TIMEOUT)) {
            get(admin.deleteTopics(List.of(topic)).all(), "delete topic " + topic);
        }
    }

    /** Whether a broker answers within two seconds. */
    static boolean answers(String servers) {
        try (Admin admin = admin(servers, PROBE_TIMEOUT)) {
            return !get(admin.describeCluster().nodes(), "describe cluster").isEmpty();
        } catch (IllegalStateException e) {
            return false;
        }
    }

    private static boolean hasLeaders(Admin admin, String topic) {
        try {
            TopicDescription description = get(
                            admin.describeTopics(List.of(topic)).allTopicNames(), "describe topic " + topic)
                    .get(topic);
            return description != null
                    && description.partitions().stream()
                            .allMatch(p -> p.leader() != null && !p.leader().isEmpty());
        } catch (IllegalStateException e) {
            // Known to the controller, not yet to the broker.
            return false;
        }
    }

    private static Admin admin(String servers, Duration timeout) {
        return Admin.create(Map.of(
                AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, servers,
                AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) timeout.toMillis(),
                AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) timeout.toMillis()));
    }

    private static <T> T get(KafkaFuture<T> future, String what) {
        try {
            return future.get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("Kafka refused: " + what + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted: " + what, e);
        }
    }

    private KafkaAdmin() {}
}
