package dev.outbox.sample.demo;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The topic as an onlooker sees it who is in nobody's consumer group. */
final class OrdersTopic implements AutoCloseable {

    private static final Duration TIMEOUT = Duration.ofMinutes(1);
    private static final Duration POLL_WAIT = Duration.ofMillis(50);

    private final String topic;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final KafkaProducer<byte[], byte[]> producer;
    private final Admin admin;
    private final List<TopicPartition> partitions;

    OrdersTopic(String bootstrapServers, String topic) {
        this.topic = topic;
        this.consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", bootstrapServers),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
        this.producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", bootstrapServers), new ByteArraySerializer(), new ByteArraySerializer());
        this.admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers));
        this.partitions = consumer.partitionsFor(topic).stream()
                .map(info -> new TopicPartition(info.topic(), info.partition()))
                .toList();
        consumer.assign(partitions);
    }

    /** Everything that is on the topic now. */
    List<ConsumerRecord<byte[], byte[]>> records() {
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
        consumer.seekToBeginning(partitions);
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        long deadline = System.nanoTime() + TIMEOUT.toNanos();
        while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
            if (System.nanoTime() - deadline > 0) {
                throw new IllegalStateException("Topic not read to its end: topic=" + topic + ", timeout=" + TIMEOUT);
            }
            consumer.poll(POLL_WAIT).forEach(records::add);
        }
        return records;
    }

    /** Every delivery of one event. */
    List<ConsumerRecord<byte[], byte[]>> records(String eventId) {
        return records().stream()
                .filter(found -> eventId.equals(header(found, "event-id")))
                .toList();
    }

    /** Puts the same record on the topic again, byte for byte, and returns where it is. */
    RecordMetadata again(ConsumerRecord<byte[], byte[]> published) {
        try {
            return producer.send(new ProducerRecord<>(
                            topic,
                            published.partition(),
                            published.timestamp(),
                            published.key(),
                            published.value(),
                            published.headers()))
                    .get();
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException("Duplicate not produced: topic=" + topic, e);
        }
    }

    /** Up to where a group has committed that it is done with a partition; 0 if it has not. */
    long committed(String group, int partition) {
        try {
            OffsetAndMetadata committed = admin.listConsumerGroupOffsets(group)
                    .partitionsToOffsetAndMetadata()
                    .get()
                    .get(new TopicPartition(topic, partition));
            return committed == null ? 0 : committed.offset();
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException("Offsets of the group not to be had: group=" + group, e);
        }
    }

    /** The text of a header, empty if there is none. */
    static String header(ConsumerRecord<byte[], byte[]> found, String name) {
        Header header = found.headers().lastHeader(name);
        return header == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        consumer.close();
        producer.close();
        admin.close();
    }
}
