package dev.outbox.consumer.kafka;

import dev.outbox.consumer.EventReader;
import dev.outbox.consumer.EventReceiver;
import dev.outbox.consumer.MalformedEventException;
import dev.outbox.consumer.OnMalformed;
import dev.outbox.consumer.Origin;
import dev.outbox.consumer.ReceivedEvent;
import dev.outbox.consumer.ReceiverListener;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.NoOffsetForPartitionException;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.TimestampType;
import org.jspecify.annotations.Nullable;

/**
 * One connection to the group: polls, hands records over one by one, and commits what is done. Everything, the
 * rebalance callbacks included, happens on the thread that calls {@link #run}, so no message is in hand while partitions
 * come or go.
 */
final class ReceiveLoop implements AutoCloseable, ConsumerRebalanceListener {

    /** How soon a wish to close is seen. Records do not wait for it. */
    private static final Duration POLL_WAIT = Duration.ofMillis(100);

    private static final Duration COMMIT_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration LEAVE_TIMEOUT = Duration.ofSeconds(5);

    private final KafkaReceiverSettings settings;
    private final EventReceiver receiver;
    private final ReceiverListener listener;
    private final BooleanSupplier closing;
    private final Consumer<byte[], byte[]> consumer;
    private final long handlingNanosMax;
    private final Retries retries;

    /** Up to where each partition is done and that was not committed yet. */
    private final Map<TopicPartition, OffsetAndMetadata> done = new HashMap<>();

    ReceiveLoop(
            KafkaReceiverSettings settings,
            EventReceiver receiver,
            ReceiverListener listener,
            BooleanSupplier closing) {
        this.settings = settings;
        this.receiver = receiver;
        this.listener = listener;
        this.closing = closing;
        this.handlingNanosMax = ConsumerConfigs.handlingMax(settings).toNanos();
        this.retries = new Retries(settings.retryFirst(), settings.retryMax());
        this.consumer = new KafkaConsumer<>(ConsumerConfigs.of(settings));
    }

    /** Receives until the receiver is closing. */
    void run() {
        consumer.subscribe(settings.topics(), this);
        while (!closing.getAsBoolean()) {
            consumer.resume(retries.takeDue(System.nanoTime()));
            receive(poll());
            commit();
        }
    }

    private ConsumerRecords<byte[], byte[]> poll() {
        try {
            return consumer.poll(retries.untilDue(System.nanoTime(), POLL_WAIT));
        } catch (NoOffsetForPartitionException e) {
            start(e.partitions());
        } catch (OffsetOutOfRangeException e) {
            e.offsetOutOfRangePartitions()
                    .forEach((partition, offset) -> listener.recordsMissing(partition.toString(), offset));
            consumer.seekToBeginning(e.offsetOutOfRangePartitions().keySet());
        }
        return ConsumerRecords.empty();
    }

    private void start(Collection<TopicPartition> partitions) {
        if (settings.fromBeginning()) {
            consumer.seekToBeginning(partitions);
            return;
        }
        consumer.seekToEnd(partitions);
        for (TopicPartition partition : partitions) {
            // Written down at once, so that a restart before the first event does not move it.
            done.put(partition, new OffsetAndMetadata(consumer.position(partition)));
        }
    }

    private void receive(ConsumerRecords<byte[], byte[]> records) {
        long deadline = System.nanoTime() + handlingNanosMax;
        for (TopicPartition partition : records.partitions()) {
            receive(partition, records.records(partition), deadline);
        }
    }

    private void receive(TopicPartition partition, List<ConsumerRecord<byte[], byte[]>> records, long deadline) {
        for (ConsumerRecord<byte[], byte[]> each : records) {
            if (closing.getAsBoolean()) {
                return;
            }
            if (System.nanoTime() - deadline > 0) {
                // The group must hear of this member; the rest is fetched again.
                consumer.seek(partition, each.offset());
                return;
            }
            if (!receive(partition, each)) {
                consumer.seek(partition, each.offset());
                return;
            }
            retries.succeeded(partition);
            done.put(partition, new OffsetAndMetadata(each.offset() + 1, each.leaderEpoch(), ""));
        }
    }

    /** Returns whether the record is done; otherwise its partition is paused. */
    private boolean receive(TopicPartition partition, ConsumerRecord<byte[], byte[]> each) {
        Origin origin = new Origin.Kafka(each.topic(), each.partition(), each.offset());
        int attempt = retries.attempt(partition, each.offset());
        ReceivedEvent event;
        try {
            event = EventReader.read(origin, each.key(), each.value(), headers(each), timestamp(each));
        } catch (MalformedEventException e) {
            if (settings.onMalformed() == OnMalformed.SKIP) {
                listener.malformedSkipped(origin, e);
                return true;
            }
            listener.malformed(origin, attempt, e, pause(partition, each.offset()));
            return false;
        }
        try {
            listener.received(event, receiver.receive(event));
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptException(e);
        } catch (Exception e) {
            listener.failed(event, attempt, e, pause(partition, each.offset()));
            return false;
        }
    }

    private Duration pause(TopicPartition partition, long offset) {
        consumer.pause(List.of(partition));
        return retries.failed(partition, offset, System.nanoTime());
    }

    private static @Nullable Instant timestamp(ConsumerRecord<byte[], byte[]> each) {
        return each.timestampType() == TimestampType.NO_TIMESTAMP_TYPE ? null : Instant.ofEpochMilli(each.timestamp());
    }

    private static Map<String, String> headers(ConsumerRecord<byte[], byte[]> each) {
        Map<String, String> headers = new LinkedHashMap<>();
        for (Header header : each.headers()) {
            byte[] value = header.value();
            if (value != null) {
                headers.put(header.key(), new String(value, StandardCharsets.UTF_8));
            }
        }
        return headers;
    }

    private void commit() {
        if (done.isEmpty()) {
            return;
        }
        try {
            consumer.commitSync(done, COMMIT_TIMEOUT);
            done.clear();
        } catch (RebalanceInProgressException e) {
            // The next poll ends the rebalance; what is revoked in it is committed there.
            listener.commitFailed(e);
        } catch (CommitFailedException e) {
            // Thrown out of the group: the next poll says so, and joins again.
            done.clear();
            listener.commitFailed(e);
        } catch (RetriableException e) {
            listener.commitFailed(e);
        }
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        if (!partitions.isEmpty()) {
            listener.assigned(names(partitions));
        }
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        commit();
        forget(partitions);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
        forget(partitions);
    }

    private void forget(Collection<TopicPartition> partitions) {
        done.keySet().removeAll(partitions);
        retries.forget(partitions);
        if (!partitions.isEmpty()) {
            listener.revoked(names(partitions));
        }
    }

    private static List<String> names(Collection<TopicPartition> partitions) {
        return partitions.stream().map(TopicPartition::toString).sorted().toList();
    }

    /** Commits what is done and leaves the group. */
    @Override
    public void close() {
        // An interrupt was meant for the handler; with the flag up, the client would neither commit nor leave.
        boolean interrupted = Thread.interrupted();
        try {
            commit();
        } finally {
            consumer.close(CloseOptions.timeout(LEAVE_TIMEOUT));
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
