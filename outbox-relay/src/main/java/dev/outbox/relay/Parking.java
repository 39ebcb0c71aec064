package dev.outbox.relay;

import dev.outbox.relay.broker.Failure;
import org.jspecify.annotations.Nullable;

/**
 * A message that goes to the parked ones instead of the broker.
 *
 * @param seq the message's
 * @param failure why the broker will not take it, or null when it only waits behind another
 * @param heldBy the seq of the message it waits behind, or null
 */
record Parking(
        long seq, @Nullable Failure failure, @Nullable Long heldBy) {

    static Parking dead(long seq, Failure failure) {
        return new Parking(seq, failure, null);
    }

    static Parking held(long seq, long heldBy) {
        return new Parking(seq, null, heldBy);
    }

    String state() {
        return failure == null ? "HELD" : "DEAD";
    }
}
