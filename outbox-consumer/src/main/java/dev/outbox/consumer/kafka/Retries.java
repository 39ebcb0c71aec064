package dev.outbox.consumer.kafka;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.TopicPartition;

/** The partitions that stand still because their first record failed, and when each is due. Owned by one thread. */
final class Retries {

    private record Retry(long offset, int attempt, long dueNanos, boolean waiting) {}

    private final Duration first;
    private final Duration most;
    private final Map<TopicPartition, Retry> byPartition = new HashMap<>();

    Retries(Duration first, Duration most) {
        this.first = first;
        this.most = most;
    }

    /** The number of the attempt that would come now, from 1. */
    int attempt(TopicPartition partition, long offset) {
        Retry retry = byPartition.get(partition);
        return retry == null || retry.offset() != offset ? 1 : retry.attempt() + 1;
    }

    /** Notes a failed attempt and returns how long to wait. */
    Duration failed(TopicPartition partition, long offset, long nowNanos) {
        int attempt = attempt(partition, offset);
        Duration wait = first.multipliedBy(1L << Math.min(attempt - 1, 20));
        if (wait.compareTo(most) > 0) {
            wait = most;
        }
        byPartition.put(partition, new Retry(offset, attempt, nowNanos + wait.toNanos(), true));
        return wait;
    }

    /** The record that failed is done. */
    void succeeded(TopicPartition partition) {
        byPartition.remove(partition);
    }

    /** The partitions whose wait is over since the last call. */
    List<TopicPartition> takeDue(long nowNanos) {
        List<TopicPartition> due = new ArrayList<>();
        for (var entry : byPartition.entrySet()) {
            Retry retry = entry.getValue();
            if (retry.waiting() && retry.dueNanos() - nowNanos <= 0) {
                due.add(entry.getKey());
                entry.setValue(new Retry(retry.offset(), retry.attempt(), retry.dueNanos(), false));
            }
        }
        return due;
    }

    /** How long until the next one is due, at most {@code longest}. */
    Duration untilDue(long nowNanos, Duration longest) {
        long nanos = longest.toNanos();
        for (Retry retry : byPartition.values()) {
            if (retry.waiting()) {
                nanos = Math.min(nanos, Math.max(0, retry.dueNanos() - nowNanos));
            }
        }
        return Duration.ofNanos(nanos);
    }

    /** These partitions are somebody else's now. */
    void forget(Collection<TopicPartition> partitions) {
        byPartition.keySet().removeAll(partitions);
    }
}
