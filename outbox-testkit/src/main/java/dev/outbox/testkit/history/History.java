package dev.outbox.testkit.history;

import dev.outbox.testkit.history.Tracked.TopicKey;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What writers appended and what readers saw, in memory.
 *
 * <p>Any number of threads record. About 200 bytes are kept for each message, nothing for a duplicate; at
 * {@link #MESSAGES_MAX} messages recording fails.
 *
 * <pre>{@code
 * History history = new History(Clock.systemUTC());
 * // a writer, in its transaction:
 * history.appended(Append.of(id, "orders", "o-1", version, payload, Instant.now()));
 * connection.commit();
 * history.finished(Outcome.COMMITTED, List.of(id));
 * // a reader:
 * history.delivered(Delivery.of(id, "orders", "o-1", payload, partition, offset, Instant.now()));
 * // when the writers have ended:
 * history.resolve(ids -> whichOfThemAreInMyTable(ids));
 * history.awaitDrained(Duration.ofSeconds(30));
 * HistoryChecker.check(history).assertClean();
 * }</pre>
 *
 * <p>The methods that wait return when the deliveries they wait for were recorded. They end early, as if their time were
 * over, when the thread is interrupted, and leave it interrupted.
 */
public final class History implements HistoryRecorder {

    /** The most messages that one history holds: about one gigabyte of memory. */
    public static final int MESSAGES_MAX = 5_000_000;

    /** How many ids a resolver is asked for at once. */
    public static final int RESOLVED_AT_ONCE_MAX = 1_000;

    private final Clock clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition delivered = lock.newCondition();
    private final Map<UUID, Tracked> messages = new LinkedHashMap<>();
    private final Map<TopicKey, TopicKey> keys = new HashMap<>();
    private int seen;
    private long lastDeliveryNanos = System.nanoTime();

    /** An empty history; {@code clock} stamps outcomes, everything else brings its time along. */
    public History(Clock clock) {
        this.clock = clock;
    }

    /** @throws IllegalStateException when this id was appended before */
    @Override
    public void appended(Append append) {
        record(() -> {
            tracked(append.id()).append(append, interned(append.topic(), append.key()));
        });
    }

    /** @throws IllegalStateException when a message has another outcome already; UNKNOWN may become any */
    @Override
    public void finished(Outcome outcome, Collection<UUID> ids) {
        finished(outcome, ids, clock.instant());
    }

    void finished(Outcome outcome, Collection<UUID> ids, Instant at) {
        record(() -> {
            ids.forEach(id -> tracked(id).finish(outcome, at.toEpochMilli()));
        });
    }

    @Override
    public void delivered(Delivery delivery) {
        record(() -> {
            Tracked message = tracked(delivery.id());
            message.deliver(delivery, interned(delivery.topic(), delivery.key()), seen);
            if (message.deliveries == 1) {
                seen++;
            }
            lastDeliveryNanos = System.nanoTime();
            delivered.signalAll();
        });
    }

    /**
     * Adds what another JVM recorded. Files may be added in any order, but one key's deliveries must all be in one file.
     *
     * @return the number of events
     * @throws java.io.UncheckedIOException when the file cannot be read
     * @throws IllegalArgumentException when a line is no event
     */
    public long add(Path historyFile) {
        return HistoryFile.read(historyFile, this);
    }

    /**
     * Settles every message of unknown outcome, including those whose writer recorded none. Call it when the writers
     * have ended.
     *
     * @return how many were settled, each way
     */
    public Map<Outcome, Integer> resolve(UnknownResolver resolver) {
        int committed = 0;
        int rolledBack = 0;
        List<UUID> unknown = unresolved();
        for (int from = 0; from < unknown.size(); from += RESOLVED_AT_ONCE_MAX) {
            Set<UUID> asked =
                    new HashSet<>(unknown.subList(from, Math.min(from + RESOLVED_AT_ONCE_MAX, unknown.size())));
            Set<UUID> found = new HashSet<>(resolver.committedOf(asked));
            found.retainAll(asked);
            asked.removeAll(found);
            finished(Outcome.UNKNOWN, found);
            finished(Outcome.COMMITTED, found);
            finished(Outcome.UNKNOWN, asked);
            finished(Outcome.ROLLED_BACK, asked);
            committed += found.size();
            rolledBack += asked.size();
        }
        return Map.of(Outcome.COMMITTED, committed, Outcome.ROLLED_BACK, rolledBack);
    }

    /** Waits until every message known to be committed was seen. False when the time was over before. */
    public boolean awaitDrained(Duration timeout) {
        return awaitDeliveredOf(
                locked(() -> new ArrayDeque<>(
                        messages.values().stream().filter(Tracked::committed).toList())),
                timeout);
    }

    /** Waits until each of these messages was seen. False when the time was over before. */
    public boolean awaitDelivered(Collection<UUID> ids, Duration timeout) {
        return awaitDeliveredOf(
                locked(() -> new ArrayDeque<>(ids.stream().map(this::tracked).toList())), timeout);
    }

    /** Waits until nothing was seen, not even a duplicate, for {@code quiet}. False when the time was over before. */
    public boolean awaitQuiet(Duration quiet, Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        return locked(() -> {
            for (long now = System.nanoTime(); deadline - now > 0; now = System.nanoTime()) {
                long rest = lastDeliveryNanos + quiet.toNanos() - now;
                if (rest <= 0) {
                    return true;
                }
                if (!awaitNanos(Math.min(rest, deadline - now))) {
                    return false;
                }
            }
            return false;
        });
    }

    /**
     * Waits until this many more messages were seen for the first time, from now on: a crash then strikes amid the work.
     * False when the time was over before.
     */
    public boolean awaitProgress(int messages, Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        return locked(() -> {
            int enough = seen + messages;
            while (seen < enough) {
                long rest = deadline - System.nanoTime();
                if (rest <= 0 || !awaitNanos(rest)) {
                    return false;
                }
            }
            return true;
        });
    }

    /** How many different messages were seen so far. */
    public long deliveredCount() {
        return locked(() -> (long) seen);
    }

    /** Runs {@code judge} while nothing can be recorded; the messages come in the order of their first record. */
    <T> T judge(Function<Collection<Tracked>, T> judge) {
        return locked(() -> judge.apply(messages.values()));
    }

    private List<UUID> unresolved() {
        return locked(() -> {
            List<UUID> ids = new ArrayList<>();
            for (Tracked message : messages.values()) {
                if (message.appendedTo != null && !message.resolved()) {
                    ids.add(message.id);
                }
            }
            return ids;
        });
    }

    private boolean awaitDeliveredOf(Deque<Tracked> waitedFor, Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        return locked(() -> {
            while (true) {
                while (!waitedFor.isEmpty() && waitedFor.getFirst().deliveries > 0) {
                    waitedFor.removeFirst();
                }
                long rest = deadline - System.nanoTime();
                if (waitedFor.isEmpty() || rest <= 0 || !awaitNanos(rest)) {
                    return waitedFor.isEmpty();
                }
            }
        });
    }

    /** Waits for the next delivery, or for nothing; false when interrupted. */
    @SuppressWarnings("WaitNotInLoop") // The callers loop.
    private boolean awaitNanos(long nanos) {
        try {
            delivered.awaitNanos(nanos);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private Tracked tracked(UUID id) {
        Tracked message = messages.get(id);
        if (message == null) {
            if (messages.size() == MESSAGES_MAX) {
                throw new IllegalStateException("A history is full: messages=" + MESSAGES_MAX + ", next id=" + id);
            }
            message = new Tracked(id);
            messages.put(id, message);
        }
        return message;
    }

    private TopicKey interned(String topic, @Nullable String key) {
        TopicKey to = new TopicKey(topic, key);
        TopicKey known = keys.putIfAbsent(to, to);
        return known == null ? to : known;
    }

    private void record(Runnable event) {
        lock.lock();
        try {
            event.run();
        } finally {
            lock.unlock();
        }
    }

    private <T> T locked(Supplier<T> query) {
        lock.lock();
        try {
            return query.get();
        } finally {
            lock.unlock();
        }
    }
}
