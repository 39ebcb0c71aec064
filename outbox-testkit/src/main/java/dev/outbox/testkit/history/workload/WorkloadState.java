package dev.outbox.testkit.history.workload;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** What the writers share: counts, the common pace, and whether to go on. Safe for use by many threads. */
final class WorkloadState {

    /** What a writer counts. */
    enum Count {
        COMMIT,
        ROLLBACK,
        UNKNOWN,
        LONG,
        STATEMENT_FAILURE,
        CONNECTION
    }

    /** After a pause of the server the writers catch up by at most this much. */
    private static final long CATCH_UP_MAX_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final CountDownLatch ending = new CountDownLatch(1);
    private final Map<Count, Long> counts = new EnumMap<>(Count.class);
    private final long intervalNanos;
    private long nextNanos = System.nanoTime();
    private boolean rollbacksOnly;
    private long rollbacksInARow;
    private @Nullable Throwable failure;

    WorkloadState(int perSecondMax) {
        intervalNanos = TimeUnit.SECONDS.toNanos(1) / perSecondMax;
        for (Count count : Count.values()) {
            counts.put(count, 0L);
        }
    }

    void count(Count count) {
        lock.lock();
        try {
            counts.merge(count, 1L, Long::sum);
            rollbacksInARow = switch (count) {
                case COMMIT, UNKNOWN -> 0;
                case ROLLBACK -> rollbacksInARow + 1;
                case LONG, STATEMENT_FAILURE, CONNECTION -> rollbacksInARow;
            };
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    WorkloadCounts counts() {
        lock.lock();
        try {
            return new WorkloadCounts(
                    of(Count.COMMIT),
                    of(Count.ROLLBACK),
                    of(Count.UNKNOWN),
                    of(Count.LONG),
                    of(Count.STATEMENT_FAILURE),
                    of(Count.CONNECTION));
        } finally {
            lock.unlock();
        }
    }

    /** Waits for a time, or until the workload ends. */
    void hold(Duration time) {
        try {
            if (ending.await(time.toNanos(), TimeUnit.NANOSECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            end();
        }
    }

    /** Waits for this writer's turn in the common pace; no turns are given out while everything is rolled back. */
    void pace() {
        long wait;
        lock.lock();
        try {
            if (rollbacksOnly) {
                return;
            }
            long now = System.nanoTime();
            nextNanos = Math.max(nextNanos, now - CATCH_UP_MAX_NANOS) + intervalNanos;
            wait = nextNanos - now;
        } finally {
            lock.unlock();
        }
        if (wait > 0) {
            hold(Duration.ofNanos(wait));
        }
    }

    boolean goesOn() {
        return ending.getCount() > 0;
    }

    void end() {
        ending.countDown();
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Ends everything because a writer met what it did not expect; the first cause is kept. */
    void fail(Throwable cause) {
        lock.lock();
        try {
            if (failure == null) {
                failure = cause;
            }
        } finally {
            lock.unlock();
        }
        end();
    }

    Optional<Throwable> failure() {
        lock.lock();
        try {
            return Optional.ofNullable(failure);
        } finally {
            lock.unlock();
        }
    }

    boolean rollbacksOnly() {
        lock.lock();
        try {
            return rollbacksOnly;
        } finally {
            lock.unlock();
        }
    }

    /** From here on, or no longer, everything is rolled back. */
    void setRollbacksOnly(boolean only) {
        lock.lock();
        try {
            rollbacksOnly = only;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until so many transactions were rolled back with no commit between; false when it ends before. */
    boolean awaitRollbacksInARow(long number, Duration timeout) {
        return await(() -> rollbacksInARow >= number, timeout);
    }

    /** Waits until so many commits were confirmed; false when it ends before. */
    boolean awaitCommits(long number, Duration timeout) {
        return await(() -> of(Count.COMMIT) >= number, timeout);
    }

    private boolean await(BooleanSupplier condition, Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        lock.lock();
        try {
            while (!condition.getAsBoolean()) {
                long rest = deadline - System.nanoTime();
                if (rest <= 0 || !goesOn()) {
                    return false;
                }
                changed.awaitNanos(rest);
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }

    private long of(Count count) {
        return counts.getOrDefault(count, 0L);
    }
}
