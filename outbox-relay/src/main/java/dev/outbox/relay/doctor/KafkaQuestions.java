package dev.outbox.relay.doctor;

import dev.outbox.relay.RelayException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** An admin client that gives up after a while. */
final class KafkaQuestions implements AutoCloseable {

    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private final Admin admin;

    private KafkaQuestions(Admin admin) {
        this.admin = admin;
    }

    static KafkaQuestions to(String servers, Map<String, String> producerProperties) {
        Map<String, Object> properties = new HashMap<>(producerProperties);
        properties.keySet().retainAll(AdminClientConfig.configNames());
        properties.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
        properties.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) TIMEOUT.toMillis());
        properties.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) TIMEOUT.toMillis());
        return new KafkaQuestions(Admin.create(properties));
    }

    String clusterId() throws ExecutionException, InterruptedException, TimeoutException {
        return get(admin.describeCluster().clusterId());
    }

    Collection<Node> nodes() throws ExecutionException, InterruptedException, TimeoutException {
        return get(admin.describeCluster().nodes());
    }

    /** What is in force in each broker. */
    Collection<Config> configs(Collection<Node> brokers)
            throws ExecutionException, InterruptedException, TimeoutException {
        List<ConfigResource> resources = brokers.stream()
                .map(broker -> new ConfigResource(ConfigResource.Type.BROKER, broker.idString()))
                .toList();
        return get(admin.describeConfigs(resources).all()).values();
    }

    /** Why nothing can be published to a topic; empty if it is there. */
    Optional<String> objection(String topic) throws ExecutionException, InterruptedException, TimeoutException {
        try {
            get(admin.describeTopics(List.of(topic)).allTopicNames());
            return Optional.empty();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException
                    || e.getCause() instanceof InvalidTopicException
                    || e.getCause() instanceof TopicAuthorizationException) {
                return Optional.of(RelayException.inOneLine(e.getCause()));
            }
            throw e;
        }
    }

    private static <T> T get(KafkaFuture<T> answer) throws ExecutionException, InterruptedException, TimeoutException {
        return answer.get(TIMEOUT.toSeconds() + 1, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        admin.close(Duration.ZERO);
    }
}
