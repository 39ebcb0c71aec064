package dev.outbox.relay;

import dev.outbox.relay.broker.Failure;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a message that is parked instead of published, or that was parked before.
 *
 * @param seq the message's
 * @param state where it stands from now on
 * @param failure why the broker did not take it; null when it was not tried
 * @param heldBy the seq of the message it waits behind, or null
 */
record Parking(
        long seq,
        State state,
        @Nullable Failure failure,
        @Nullable Long heldBy) {

    /** As in the table {@code parked}; whether it is dead, the number of its attempts decides there. */
    enum State {
        /** For its topic. */
        WAITING,
        /** Behind another message of its topic and key. */
        HELD,
        /** It was refused and is tried again, if it has attempts left. */
        RETRYING,
        /** It is published after all. */
        RESOLVED
    }

    static Parking refused(long seq, Failure failure) {
        return new Parking(seq, State.RETRYING, failure, null);
    }

    static Parking held(long seq, long heldBy) {
        return new Parking(seq, State.HELD, null, heldBy);
    }

    /** @param failure what was said of the message itself, or null when it was not sent */
    static Parking waiting(long seq, @Nullable Failure failure) {
        return new Parking(seq, State.WAITING, failure, null);
    }

    static Parking published(long seq) {
        return new Parking(seq, State.RESOLVED, null, null);
    }

    /** Who is to blame, as in the table {@code parked}; null for a message that only waits behind another. */
    @Nullable
    String reason() {
        return switch (state) {
            case WAITING -> Failure.Kind.TOPIC.name();
            case RETRYING -> Failure.Kind.MESSAGE.name();
            case HELD, RESOLVED -> null;
        };
    }
}
