package dev.outbox.relay.ops;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A message that is still in the ring, without its content: a row of {@code find_messages}.
 *
 * @param payloadBytes the length of its content; null for a tombstone
 */
public record FoundMessage(
        long seq,
        UUID id,
        Instant occurredAt,
        String channel,
        String topic,
        @Nullable String key,
        String type,
        String version,
        String source,
        @Nullable Integer payloadBytes) {}
