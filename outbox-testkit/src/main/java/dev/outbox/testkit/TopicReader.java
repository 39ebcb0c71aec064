package dev.outbox.testkit;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads a Kafka topic from its beginning and waits for messages, without a consumer group.
 *
 * <pre>{@code
 * try (TopicReader reader = TopicReader.of(kafka, "orders")) {
 *     service.placeOrder(order);
 *     assertThat(reader.await(1)).extracting(each -> TopicReader.header(each, "event-type")).containsExactly("order.created");
 * }
 * }</pre>
 *
 * <p>The records of a partition come in its order. The topic may be made later. For one thread; keeps all it has read.
 */
public final class TopicReader implements AutoCloseable {

    private static final Duration TIMEOUT = Duration.ofMinutes(2);
    private static final Duration POLL = Duration.ofMillis(100);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final String topic;
    private final Set<TopicPartition> partitions = new HashSet<>();
    private final List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();

    private TopicReader(KafkaConsumer<byte[], byte[]> consumer, String topic) {
        this.consumer = consumer;
        this.topic = topic;
    }

    /** A reader that stands at the beginning of every partition. */
    public static TopicReader of(KafkaServer kafka, String topic) {
        return of(kafka.bootstrapServers(), topic);
    }

    /** The same for a cluster that is known by its {@code host:port}. */
    public static TopicReader of(String bootstrapServers, String topic) {
        TopicReader reader = new TopicReader(
                new KafkaConsumer<>(
                        Map.of("bootstrap.servers", bootstrapServers, "auto.offset.reset", "earliest"),
                        new ByteArrayDeserializer(),
                        new ByteArrayDeserializer()),
                topic);
        reader.assignNewPartitions();
        return reader;
    }

    /**
     * Everything read so far, once it is at least so many; waits two minutes.
     *
     * @throws AssertionError if fewer come
     */
    public List<ConsumerRecord<byte[], byte[]>> await(int count) {
        return await(count, TIMEOUT);
    }

    /**
     * Everything read so far, once it is at least so many.
     *
     * @throws AssertionError if fewer come in that time
     */
    public List<ConsumerRecord<byte[], byte[]>> await(int count, Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (records.size() < count) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("Records are missing: topic=" + topic + ", expected=" + count + ", read="
                        + records.size() + ", waited=" + timeout);
            }
            poll();
        }
        return List.copyOf(records);
    }

    /** Asks the broker once more, for at most 100 ms; returns how many came. */
    public int poll() {
        assignNewPartitions();
        int before = records.size();
        if (!partitions.isEmpty()) {
            consumer.poll(POLL).forEach(records::add);
        }
        return records.size() - before;
    }

    /** How many were read so far. */
    public int count() {
        return records.size();
    }

    /** The value as text; a tombstone has none. */
    public static Optional<String> value(ConsumerRecord<byte[], byte[]> read) {
        return Optional.ofNullable(read.value()).map(value -> new String(value, StandardCharsets.UTF_8));
    }

    /**
     * A header as text.
     *
     * @throws AssertionError if the record has no such header
     */
    public static String header(ConsumerRecord<byte[], byte[]> read, String name) {
        Header header = read.headers().lastHeader(name);
        if (header == null) {
            throw new AssertionError("Header is missing: name=" + name + ", headers=" + read.headers());
        }
        return new String(header.value(), StandardCharsets.UTF_8);
    }

    private void assignNewPartitions() {
        if (!partitions.isEmpty()) {
            return;
        }
        List<PartitionInfo> known = consumer.partitionsFor(topic);
        if (known != null && !known.isEmpty()) {
            known.forEach(each -> partitions.add(new TopicPartition(topic, each.partition())));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
        }
    }

    @Override
    public void close() {
        consumer.close();
    }
}
