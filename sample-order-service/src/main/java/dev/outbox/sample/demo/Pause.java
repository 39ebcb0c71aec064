package dev.outbox.sample.demo;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** The time between two looks at something that somebody else changes. */
final class Pause {

    private Pause() {}

    static void of(Duration time) {
        LockSupport.parkNanos(time.toNanos());
    }
}
