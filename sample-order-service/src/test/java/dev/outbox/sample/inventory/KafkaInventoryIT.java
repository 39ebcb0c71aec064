package dev.outbox.sample.inventory;

import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;

class KafkaInventoryIT extends InventoryContract {

    private static final String TOPIC = KafkaServer.uniqueTopic("orders");

    private final KafkaProducer<byte[], byte[]> producer;

    KafkaInventoryIT(TestDatabase database, KafkaServer kafka) {
        super(
                database,
                "--inventory.kafka.bootstrap-servers=" + kafka.bootstrapServers(),
                "--inventory.kafka.topic=" + created(kafka),
                "--inventory.kafka.group=" + TOPIC);
        this.producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", kafka.bootstrapServers()),
                new ByteArraySerializer(),
                new ByteArraySerializer());
    }

    /** The topic, made before the service asks for it; with one partition, so that everything comes in its order. */
    private static String created(KafkaServer kafka) {
        kafka.createTopic(TOPIC, 1, Map.of());
        return TOPIC;
    }

    @AfterAll
    void closeProducer() {
        producer.close();
    }

    @Override
    void publish(String type, String envelope) throws ExecutionException, InterruptedException {
        producer.send(new ProducerRecord<>(TOPIC, envelope.getBytes(StandardCharsets.UTF_8)))
                .get();
    }
}
