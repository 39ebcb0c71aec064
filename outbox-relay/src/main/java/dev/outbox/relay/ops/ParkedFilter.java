package dev.outbox.relay.ops;

import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Which parked messages are meant: those that fit everything given. What is null, or an empty list, does not narrow it.
 *
 * @param ids these messages
 * @param match by what they are
 * @param errorClass whose last error is of this class
 * @param state in this state; not for a retry
 * @param all whether a filter that narrows nothing means all of them, and is not a mistake
 */
public record ParkedFilter(
        List<UUID> ids,
        Match match,
        @Nullable String errorClass,
        @Nullable String state,
        boolean all) {

    /** Copies the ids. */
    public ParkedFilter {
        ids = List.copyOf(ids);
    }

    /** These messages. */
    public static ParkedFilter of(UUID... ids) {
        return new ParkedFilter(List.of(ids), Match.ANY, null, null, false);
    }
}
