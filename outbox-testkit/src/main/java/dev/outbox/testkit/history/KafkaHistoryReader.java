package dev.outbox.testkit.history;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records everything that stands in a Kafka topic, from its beginning on, in the order of each partition.
 *
 * <p>One thread reads all partitions without a consumer group. It outlives broker restarts: after an error it opens a
 * new consumer where it was. The topic may be made later. {@link History#awaitDelivered}, {@code awaitDrained} and
 * {@code awaitQuiet} wait for what it records.
 *
 * <pre>{@code
 * try (KafkaHistoryReader reader = KafkaHistoryReader.start(kafka.bootstrapServers(), "orders", history)) {
 *     history.awaitDrained(Duration.ofSeconds(30));
 * }
 * }</pre>
 *
 * <p>For replays within a retained topic, not for compacted ones: what was compacted away is lost to it.
 */
public final class KafkaHistoryReader implements AutoCloseable {

    /** Makes a delivery of a record; the time is the reader's. */
    @FunctionalInterface
    public interface Decoder {

        /** Never fails: a record that cannot be understood becomes a delivery that nobody appended. */
        Delivery decode(ConsumerRecord<byte[], byte[]> record, Instant at);
    }

    private static final Logger LOG = LoggerFactory.getLogger(KafkaHistoryReader.class);

    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration BACKOFF = Duration.ofMillis(250);
    private static final Duration CLOSE_TIMEOUT = Duration.ofMinutes(1);
    private static final int ANSWER_MILLIS_MAX = 5_000;

    private final Map<String, Object> config;
    private final String topic;
    private final HistoryRecorder recorder;
    private final Decoder decoder;
    private final Thread thread = new Thread(this::run, "kafka-history-reader");
    private final CountDownLatch closing = new CountDownLatch(1);
    private final AtomicLong records = new AtomicLong();
    private final Map<TopicPartition, Long> next = new HashMap<>();
    private volatile @Nullable Throwable failure;

    private KafkaHistoryReader(Map<String, Object> config, String topic, HistoryRecorder recorder, Decoder decoder) {
        this.config = config;
        this.topic = topic;
        this.recorder = recorder;
        this.decoder = decoder;
    }

    /**
     * Starts reading a topic that the relay writes with the {@code json} envelope, or with none; the id is in the header
     * {@code event-id}.
     */
    public static KafkaHistoryReader start(String bootstrapServers, String topic, HistoryRecorder recorder) {
        return start(
                Map.of(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers), topic, recorder, KafkaDelivery::of);
    }

    /** Starts reading with a configuration of the consumer and a decoder for other envelopes. */
    public static KafkaHistoryReader start(
            Map<String, Object> consumerConfig, String topic, HistoryRecorder recorder, Decoder decoder) {
        Map<String, Object> config = new HashMap<>(Map.of(
                ConsumerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG,
                500,
                ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                ANSWER_MILLIS_MAX,
                ConsumerConfig.REQUEST_TIMEOUT_MS_CONFIG,
                ANSWER_MILLIS_MAX,
                ConsumerConfig.MAX_POLL_RECORDS_CONFIG,
                2_000,
                ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG,
                false));
        config.putAll(consumerConfig);
        config.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        // A position that is gone is an error, not a leap.
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
        KafkaHistoryReader reader = new KafkaHistoryReader(config, topic, recorder, decoder);
        reader.thread.setDaemon(true);
        reader.thread.start();
        return reader;
    }

    /** How many records it has recorded, duplicates included; the newest of them may just be being recorded. */
    public long records() {
        return records.get();
    }

    /** Why it gave up, e.g. because the recorder refused a delivery; empty while it reads or tries to. */
    public Optional<Throwable> failure() {
        return Optional.ofNullable(failure);
    }

    /**
     * Ends the reading; what it recorded stays.
     *
     * @throws IllegalStateException when it had given up, or does not end
     */
    @Override
    public void close() {
        closing.countDown();
        try {
            thread.join(CLOSE_TIMEOUT.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (failure != null || thread.isAlive()) {
            throw new IllegalStateException(
                    "Kafka reader failed or did not end: topic=" + topic + ", records=" + records, failure);
        }
    }

    private void run() {
        try {
            while (closing.getCount() > 0) {
                readUntilAnError();
                closing.await(BACKOFF.toNanos(), TimeUnit.NANOSECONDS);
            }
        } catch (InterruptedException | RuntimeException | Error e) {
            LOG.error("Kafka reader gave up: topic={}, records={}", topic, records, e);
            failure = e;
        }
    }

    private void readUntilAnError() {
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            if (!assigned(consumer)) {
                return;
            }
            while (closing.getCount() > 0) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                    // Counted first: whoever waits for the delivery finds it counted.
                    records.incrementAndGet();
                    recorder.delivered(decoder.decode(record, Clock.systemUTC().instant()));
                    next.put(new TopicPartition(record.topic(), record.partition()), record.offset() + 1);
                }
            }
        } catch (KafkaException e) {
            LOG.warn("Kafka reader lost its broker: topic={}, cause={}; reconnecting", topic, e.toString());
        }
    }

    /** Takes all partitions, each from where it was or from its beginning; false while there is no such topic. */
    private boolean assigned(KafkaConsumer<byte[], byte[]> consumer) {
        List<PartitionInfo> partitions = consumer.partitionsFor(topic);
        if (partitions == null || partitions.isEmpty()) {
            return false;
        }
        List<TopicPartition> all = partitions.stream()
                .map(p -> new TopicPartition(topic, p.partition()))
                .toList();
        consumer.assign(all);
        consumer.seekToBeginning(all);
        next.forEach(consumer::seek);
        return true;
    }
}
