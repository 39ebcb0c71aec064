package dev.outbox.relay.ops;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A message that could not be published, without its content: a row of the table {@code parked}.
 *
 * @param state {@code WAITING}, {@code RETRYING}, {@code HELD}, {@code DEAD} or {@code RESOLVED}
 * @param reason whose fault it is, {@code TOPIC} or {@code MESSAGE}; null where it waits behind another
 * @param heldBy seq of the message that it waits behind
 */
public record ParkedMessage(
        long seq,
        UUID id,
        String state,
        @Nullable String reason,
        String channel,
        int lane,
        String topic,
        @Nullable String key,
        String type,
        String version,
        Instant occurredAt,
        int attempts,
        @Nullable Instant nextAttemptAt,
        @Nullable String lastErrorClass,
        @Nullable String lastError,
        @Nullable Long heldBy,
        Instant parkedAt,
        @Nullable Instant resolvedAt,
        @Nullable String resolution,
        @Nullable String resolvedBy) {}
