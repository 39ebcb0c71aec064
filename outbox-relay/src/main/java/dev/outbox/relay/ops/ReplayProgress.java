package dev.outbox.relay.ops;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * How far a replay is: a row of the view {@code replays}.
 *
 * @param filter what is replayed, in words
 * @param toTopic where to; null for the messages' own topics
 * @param rate messages a second, at the most
 * @param matched how many there were to replay when it was asked for
 * @param state {@code RUNNING}, {@code DONE}, {@code FAILED} or {@code CANCELLED}
 */
public record ReplayProgress(
        UUID id,
        String channel,
        @Nullable String filter,
        @Nullable String toTopic,
        int rate,
        long matched,
        @Nullable Long published,
        @Nullable Long refused,
        String state,
        String requestedBy,
        Instant requestedAt,
        @Nullable Instant finishedAt,
        String reason,
        @Nullable String error) {}
