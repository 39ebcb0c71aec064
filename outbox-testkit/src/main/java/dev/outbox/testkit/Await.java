package dev.outbox.testkit;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waiting on a real condition, bounded by a deadline. */
final class Await {

    private static final Duration PAUSE = Duration.ofMillis(5);

    static void until(String what, Duration timeout, BooleanSupplier condition) {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw new IllegalStateException("Waited in vain: timeout=" + timeout + ", for " + what);
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new IllegalStateException("Interrupted while waiting for " + what);
            }
            LockSupport.parkNanos(PAUSE.toNanos());
        }
    }

    private Await() {}
}
