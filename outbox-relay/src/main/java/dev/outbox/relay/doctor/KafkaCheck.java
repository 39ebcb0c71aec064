package dev.outbox.relay.doctor;

import dev.outbox.relay.RelayException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Node;

/** Asks a Kafka cluster who it is and what it takes, with the way in that the producer takes. */
final class KafkaCheck {

    private static final String SUBJECT = "kafka";
    private static final String LIMITS = "kafka limits";
    private static final String BYTES_MAX = "message.max.bytes";
    private static final String AUTO_CREATE = "auto.create.topics.enable";

    private KafkaCheck() {}

    static List<Finding> run(String servers, Map<String, String> producerProperties) {
        List<Finding> findings = new ArrayList<>();
        try (KafkaQuestions kafka = KafkaQuestions.to(servers, producerProperties)) {
            String id = kafka.clusterId();
            Collection<Node> nodes = kafka.nodes();
            findings.add(Finding.ok(
                    SUBJECT, "answers, servers=" + servers + ", cluster=" + id + ", brokers=" + nodes.size()));
            findings.addAll(limits(kafka, nodes, requestBytesMax(producerProperties)));
        } catch (ExecutionException e) {
            findings.add(unusable(servers, e.getCause() == null ? e : e.getCause()));
        } catch (KafkaException | TimeoutException e) {
            findings.add(unusable(servers, e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            findings.add(unusable(servers, e));
        }
        return findings;
    }

    private static List<Finding> limits(KafkaQuestions kafka, Collection<Node> nodes, long requestBytesMax)
            throws InterruptedException, TimeoutException {
        List<Finding> findings = new ArrayList<>();
        Collection<Config> configs;
        try {
            configs = kafka.configs(nodes);
        } catch (ExecutionException e) {
            return List.of(Finding.warning(
                    LIMITS,
                    "cannot be read, error=" + RelayException.inOneLine(e.getCause() == null ? e : e.getCause())
                            + "; the relay works without, doctor needs DescribeConfigs on the cluster"));
        }
        long bytesMax = configs.stream()
                .mapToLong(config -> Long.parseLong(config.get(BYTES_MAX).value()))
                .min()
                .orElse(Long.MAX_VALUE);
        String both = BYTES_MAX + "=" + bytesMax + ", the producer's max.request.size=" + requestBytesMax;
        findings.add(
                requestBytesMax <= bytesMax
                        ? Finding.ok(LIMITS, both)
                        : Finding.warning(
                                LIMITS,
                                both + "; what is larger than Kafka's limit is sent to be refused: lower"
                                        + " outbox.kafka.properties.max.request.size or raise Kafka's"));
        if (configs.stream()
                .anyMatch(config -> Boolean.parseBoolean(config.get(AUTO_CREATE).value()))) {
            findings.add(Finding.warning(
                    "kafka topics",
                    AUTO_CREATE + "=true: a misspelt topic is made instead of being told; turn it off and make topics"
                            + " on purpose"));
        }
        return findings;
    }

    private static long requestBytesMax(Map<String, String> producerProperties) {
        String given = producerProperties.get(ProducerConfig.MAX_REQUEST_SIZE_CONFIG);
        return Long.parseLong(
                given == null
                        ? String.valueOf(
                                ProducerConfig.configDef().defaultValues().get(ProducerConfig.MAX_REQUEST_SIZE_CONFIG))
                        : given);
    }

    private static Finding unusable(String servers, Throwable cause) {
        return Finding.failed(
                SUBJECT, "does not answer, servers=" + servers + ", error=" + RelayException.inOneLine(cause));
    }
}
