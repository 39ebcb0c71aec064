package dev.outbox.testkit.history.workload;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lets each fault strike in a thread of its own. Ending them waits for what was broken to be mended. */
final class FaultThreads implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(FaultThreads.class);

    private static final Duration MENDED_MAX = Duration.ofMinutes(5);

    private final List<Fault> faults;
    private final Runnable onFailure;
    private final List<Thread> threads = new ArrayList<>();
    private final Map<String, Integer> times = new LinkedHashMap<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private boolean ending;
    private @Nullable Throwable failure;

    private FaultThreads(List<Fault> faults, Runnable onFailure) {
        this.faults = faults;
        this.onFailure = onFailure;
    }

    static FaultThreads start(List<Fault> faults, Runnable onFailure) {
        FaultThreads all = new FaultThreads(faults, onFailure);
        for (Fault fault : faults) {
            all.times.put(fault.name(), 0);
            all.threads.add(new Thread(() -> all.run(fault), "fault-" + fault.name()));
        }
        for (Thread thread : all.threads) {
            thread.setDaemon(true);
            thread.start();
        }
        return all;
    }

    /** How often each has struck and was mended. */
    Map<String, Integer> times() {
        lock.lock();
        try {
            return new LinkedHashMap<>(times);
        } finally {
            lock.unlock();
        }
    }

    /** Waits until each has struck often enough; returns those that have not. */
    List<String> awaitTimes(Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        lock.lock();
        try {
            List<String> missing = missing();
            while (!missing.isEmpty() && failure == null) {
                long rest = deadline - System.nanoTime();
                if (rest <= 0) {
                    break;
                }
                changed.awaitNanos(rest);
                missing = missing();
            }
            return missing;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return missing();
        } finally {
            lock.unlock();
        }
    }

    /** Lets nothing strike any more, and waits for what is being mended. */
    @Override
    public void close() {
        lock.lock();
        try {
            ending = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        for (Thread thread : threads) {
            try {
                TimeUnit.MILLISECONDS.timedJoin(thread, MENDED_MAX.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            if (thread.isAlive()) {
                throw new IllegalStateException("Fault was not mended: thread=" + thread.getName() + ", waited="
                        + MENDED_MAX + ", at " + List.of(thread.getStackTrace()));
            }
        }
        if (failure != null) {
            throw new IllegalStateException("Fault failed: times=" + times(), failure);
        }
    }

    private List<String> missing() {
        return faults.stream()
                .filter(f -> times.getOrDefault(f.name(), 0) < f.timesMin())
                .map(f -> f.name() + ": " + times.get(f.name()) + " of " + f.timesMin())
                .toList();
    }

    private void run(Fault fault) {
        try {
            while (paused(fault.pause())) {
                fault.strike().run();
                LOG.debug("Fault struck and was mended: name={}", fault.name());
                lock.lock();
                try {
                    times.merge(fault.name(), 1, Integer::sum);
                    changed.signalAll();
                } finally {
                    lock.unlock();
                }
            }
        } catch (RuntimeException | Error e) {
            LOG.error("Fault failed: name={}; the run ends", fault.name(), e);
            lock.lock();
            try {
                failure = e;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
            onFailure.run();
        }
    }

    /** Waits; false when it is time to end. */
    private boolean paused(Duration pause) {
        long deadline = System.nanoTime() + pause.toNanos();
        lock.lock();
        try {
            while (!ending && failure == null) {
                long rest = deadline - System.nanoTime();
                if (rest <= 0) {
                    return true;
                }
                changed.awaitNanos(rest);
            }
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }
}
