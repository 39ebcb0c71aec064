package dev.outbox.relay.ops;

import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Which published messages are to be published once more, and where to. What is null, or an empty list, does not narrow it.
 *
 * @param ids these messages
 * @param match by what they are; without a channel, those of {@code default}
 * @param since those that happened then or later
 * @param until those that happened before
 * @param all whether a filter that narrows nothing means all of them, and is not a mistake
 * @param toTopic where to; null for their own topics
 * @param rate messages a second, at the most
 */
public record ReplayRequest(
        List<UUID> ids,
        Match match,
        @Nullable Instant since,
        @Nullable Instant until,
        boolean all,
        @Nullable String toTopic,
        int rate) {

    /** Messages a second, where nothing is said. */
    public static final int RATE = 1000;

    /** Where nothing is said. */
    public static final String CHANNEL = "default";

    /** Copies the ids. */
    public ReplayRequest {
        ids = List.copyOf(ids);
    }

    /** The channel whose messages are meant. */
    public String channel() {
        String channel = match.channel();
        return channel == null ? CHANNEL : channel;
    }
}
