package dev.outbox.relay;

import java.time.Duration;

/**
 * A relay's right to publish a lane, for a while.
 *
 * <p>The end in the database is reckoned by the database's clock. The holder reckons by its own monotonic clock from
 * before it asked, so it stops no later than the database lets another in.
 */
final class Lease {

    private final LaneKey lane;
    private final String owner;
    private final long epoch;
    private volatile long validUntilNanos;

    Lease(LaneKey lane, String owner, long epoch, long askedAtNanos, Duration length) {
        this.lane = lane;
        this.owner = owner;
        this.epoch = epoch;
        renewed(askedAtNanos, length);
    }

    LaneKey lane() {
        return lane;
    }

    String owner() {
        return owner;
    }

    /** Grows with each takeover of the lane. */
    long epoch() {
        return epoch;
    }

    boolean valid() {
        return System.nanoTime() - validUntilNanos < 0;
    }

    /** The lease runs anew from the moment before it was asked for; a twentieth is kept back for clocks that differ. */
    void renewed(long askedAtNanos, Duration length) {
        validUntilNanos = askedAtNanos + length.toNanos() / 20 * 19;
    }

    /** The right is gone, whatever the clock says. */
    void end() {
        validUntilNanos = System.nanoTime();
    }
}
