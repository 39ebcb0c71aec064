package dev.outbox.consumer.kafka;

import dev.outbox.consumer.EffectTable;
import dev.outbox.inbox.Inbox;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/** A topic of its own, an inbox, and a table that shows every effect. */
final class ReceiverFixture implements AutoCloseable {

    /** How long tests wait for what has to come: far longer than it takes, since the machine may be slow and shared. */
    static final Duration PATIENCE = Duration.ofMinutes(2);

    /** Sooner than the group forgets a member that did not leave it: 45 s. */
    private static final Duration LEFT_WITHIN = Duration.ofSeconds(30);

    private static final String ENVELOPE = """
            {"eventId":"%s","eventType":"thing.happened","eventVersion":"1.0","occurredAt":"2026-01-15T10:30:00Z",\
            "source":{"service":"test"},"data":{}}""";

    private final EffectTable table;
    private final KafkaServer kafka;
    private final String topic;
    private final KafkaProducer<byte[], byte[]> producer;

    ReceiverFixture(TestDatabase database, KafkaServer kafka, int partitions) {
        this.table = new EffectTable(database);
        this.kafka = kafka;
        this.topic = KafkaServer.uniqueTopic("received");
        kafka.createTopic(topic, partitions, Map.of());
        this.producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", kafka.bootstrapServers()),
                new ByteArraySerializer(),
                new ByteArraySerializer());
    }

    String topic() {
        return topic;
    }

    /** The group, and the inbox's consumer, are called like the topic. */
    KafkaReceiverSettings settings() {
        return KafkaReceiverSettings.of(kafka.bootstrapServers(), topic, List.of(topic))
                .withRetry(Duration.ofMillis(50), Duration.ofMillis(200));
    }

    Inbox inbox() {
        return table.inbox();
    }

    /** Produces an event and returns where it is. */
    long produce(int partition, String eventId) {
        return produceRaw(partition, ENVELOPE.formatted(eventId));
    }

    long produceRaw(int partition, String value) {
        return produceRaw(partition, value, Map.of());
    }

    long produceRaw(int partition, String value, Map<String, String> headers) {
        ProducerRecord<byte[], byte[]> made =
                new ProducerRecord<>(topic, partition, null, value.getBytes(StandardCharsets.UTF_8));
        headers.forEach((name, text) -> made.headers().add(name, text.getBytes(StandardCharsets.UTF_8)));
        try {
            return producer.send(made).get().offset();
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException("Not produced", e);
        }
    }

    /** The ids of the events that had an effect, in the order of the effects. */
    List<String> effects() throws SQLException {
        return table.effects();
    }

    /** The group's committed position, -1 for none. */
    long committed(int partition) throws ExecutionException, InterruptedException {
        try (Admin admin = admin()) {
            OffsetAndMetadata offset = admin.listConsumerGroupOffsets(topic)
                    .partitionsToOffsetAndMetadata()
                    .get()
                    .get(new TopicPartition(topic, partition));
            return offset == null ? -1 : offset.offset();
        }
    }

    static ConditionFactory await() {
        return Awaitility.await().atMost(PATIENCE);
    }

    /** Waits until all receivers have left the group by themselves. */
    void awaitNoMembers() {
        Awaitility.await().atMost(LEFT_WITHIN).until(() -> members() == 0);
    }

    /** How many receivers the group knows. */
    int members() throws ExecutionException, InterruptedException {
        try (Admin admin = admin()) {
            Map<String, ConsumerGroupDescription> groups =
                    admin.describeConsumerGroups(List.of(topic)).all().get();
            return Objects.requireNonNull(groups.get(topic)).members().size();
        }
    }

    Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()));
    }

    @Override
    public void close() {
        producer.close();
    }
}
