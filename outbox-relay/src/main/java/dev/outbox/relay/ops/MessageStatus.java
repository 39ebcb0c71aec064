package dev.outbox.relay.ops;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What became of one message: the row of {@code message_status(id)}. Of an unknown id all but id and status is null.
 *
 * @param status {@code PENDING}, {@code PUBLISHED}, {@code WAITING}, {@code RETRYING}, {@code HELD}, {@code DEAD}, {@code
 *     DISCARDED}, {@code NO LANES} or {@code UNKNOWN}
 * @param since when it came into that state
 * @param relay who published it
 * @param brokerPositions of the checkpoint that published it: destination to first and last offset
 * @param heldBy the message that it waits behind
 */
public record MessageStatus(
        UUID id,
        @Nullable Long seq,
        @Nullable String channel,
        @Nullable Integer lane,
        @Nullable String topic,
        @Nullable String key,
        @Nullable String type,
        @Nullable String version,
        @Nullable Instant occurredAt,
        String status,
        @Nullable Instant since,
        @Nullable String relay,
        @Nullable JsonText brokerPositions,
        @Nullable UUID heldBy,
        @Nullable Integer attempts,
        @Nullable Instant nextAttemptAt,
        @Nullable String lastErrorClass,
        @Nullable String lastError,
        @Nullable String resolution) {

    /** The status of an id that is nowhere. */
    public static final String UNKNOWN = "UNKNOWN";
}
