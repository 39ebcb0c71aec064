package dev.outbox.relay;

import java.time.Duration;

/** When to look for new messages again: soon after work, ever later while there is none. Used by one thread. */
final class PollPace {

    private final long shortestNanos;
    private final long longestNanos;
    private long waitNanos;
    private long dueAtNanos = System.nanoTime();
    private boolean idle;

    PollPace(Duration shortest, Duration longest) {
        this.shortestNanos = shortest.toNanos();
        this.longestNanos = longest.toNanos();
        this.waitNanos = shortestNanos;
    }

    boolean due() {
        return untilDueNanos() <= 0;
    }

    long untilDueNanos() {
        return dueAtNanos - System.nanoTime();
    }

    /** Whether the last look found nothing. */
    boolean idle() {
        return idle;
    }

    /** The look found messages; when there were plenty, the next one follows at once. */
    void found(boolean plenty) {
        idle = false;
        waitNanos = shortestNanos;
        dueAtNanos = System.nanoTime() + (plenty ? 0 : shortestNanos);
    }

    /** The look found nothing: each wait is a quarter longer than the one before. */
    void foundNothing() {
        idle = true;
        dueAtNanos = System.nanoTime() + waitNanos;
        waitNanos = Math.min(longestNanos, waitNanos + waitNanos / 4);
    }
}
