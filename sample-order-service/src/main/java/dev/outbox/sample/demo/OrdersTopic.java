package dev.outbox.sample.demo;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
import org.jspecify.annotations.Nullable;

/** The topic as an onlooker sees it who is in nobody's consumer group. */
final class OrdersTopic implements OrdersView {

    private static final String GROUP = "inventory-service";
    private static final Duration TIMEOUT = Duration.ofMinutes(1);
    private static final Duration POLL_WAIT = Duration.ofMillis(50);

    private final String topic;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final KafkaProducer<byte[], byte[]> producer;
    private final Admin admin;
    private final List<TopicPartition> partitions;
    private @Nullable RecordMetadata again;

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

    @Override
    public String name() {
        return "records on Kafka";
    }

    @Override
    public List<Published> published() {
        return records().stream().map(OrdersTopic::published).toList();
    }

    private static Published published(ConsumerRecord<byte[], byte[]> found) {
        return new Published(
                header(found, "event-id"),
                header(found, "sequence"),
                found.topic() + "-" + found.partition(),
                "topic " + found.topic() + ", partition " + found.partition() + ", offset " + found.offset());
    }

    private List<ConsumerRecord<byte[], byte[]>> records() {
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

    @Override
    public String again(String eventId) {
        ConsumerRecord<byte[], byte[]> first = records().stream()
                .filter(each -> eventId.equals(header(each, "event-id")))
                .findFirst()
                .orElseThrow();
        try {
            again = producer.send(new ProducerRecord<>(
                            topic, first.partition(), first.timestamp(), first.key(), first.value(), first.headers()))
                    .get();
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException("Duplicate not produced: topic=" + topic, e);
        }
        return "the same record is now at partition " + again.partition() + ", offset " + again.offset() + " too";
    }

    @Override
    public void checkDone(Report report, Runnable stop) {
        RecordMetadata duplicate = Objects.requireNonNull(again, "nothing was published again");
        report.awaitFigure(
                "the group's committed position is past it",
                () -> committed(duplicate.partition()) > duplicate.offset(),
                true);
    }

    /** Up to where the service's group has committed that it is done with a partition; 0 if it has not. */
    private long committed(int partition) {
        try {
            OffsetAndMetadata committed = admin.listConsumerGroupOffsets(GROUP)
                    .partitionsToOffsetAndMetadata()
                    .get()
                    .get(new TopicPartition(topic, partition));
            return committed == null ? 0 : committed.offset();
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException("Offsets of the group not to be had: group=" + GROUP, e);
        }
    }

    private static String header(ConsumerRecord<byte[], byte[]> found, String name) {
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
