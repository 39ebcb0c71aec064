package dev.outbox.sample.demo;

import dev.outbox.testkit.KafkaOptions;
import dev.outbox.testkit.KafkaServer;
import java.util.Map;

/** Kafka, with the topic of the orders. */
final class DemoKafka implements DemoBroker {

    private static final String TOPIC = "orders";
    private static final int PARTITIONS = 3;

    private final KafkaServer server;

    private DemoKafka(KafkaServer server) {
        this.server = server;
    }

    static DemoKafka start() {
        KafkaOptions options = KafkaOptions.defaults().withPartitions(PARTITIONS);
        KafkaServer server = KafkaServer.start(DemoServers.isLinux() ? options.asNativeOnly() : options);
        server.createTopic(TOPIC, PARTITIONS, Map.of());
        return new DemoKafka(server);
    }

    @Override
    public String description() {
        return "Kafka              " + server.bootstrapServers() + ", topic " + TOPIC + " with " + PARTITIONS
                + " partitions";
    }

    @Override
    public Map<String, String> relayEnvironment() {
        return Map.of("KAFKA_BROKERS", server.bootstrapServers());
    }

    @Override
    public Map<String, String> serviceEnvironment() {
        return Map.of("KAFKA_BROKERS", server.bootstrapServers());
    }

    @Override
    public OrdersView view() {
        return new OrdersTopic(server.bootstrapServers(), TOPIC);
    }

    @Override
    public void close() {
        server.close();
    }
}
