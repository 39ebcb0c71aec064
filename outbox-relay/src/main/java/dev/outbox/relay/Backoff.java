package dev.outbox.relay;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Growing waits between tries, each drawn between half and the whole of its step so that many relays do not try in step.
 * Used by one thread.
 */
final class Backoff {

    private final Duration first;
    private final Duration longest;
    private int tries;

    Backoff(Duration first, Duration longest) {
        this.first = first;
        this.longest = longest;
    }

    Duration next() {
        long step = Math.min(longest.toNanos(), first.toNanos() << Math.min(tries, 20));
        tries++;
        return Duration.ofNanos(step / 2 + ThreadLocalRandom.current().nextLong(step / 2 + 1));
    }

    void reset() {
        tries = 0;
    }
}
