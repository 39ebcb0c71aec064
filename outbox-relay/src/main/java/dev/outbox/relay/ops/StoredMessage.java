package dev.outbox.relay.ops;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A message with its content: the row of {@code show_message(id)}.
 *
 * @param payload JSON content, byte for byte as it was appended
 * @param body other content, in base64
 */
public record StoredMessage(
        UUID id,
        long seq,
        String channel,
        String topic,
        @Nullable String key,
        String type,
        String version,
        Instant occurredAt,
        @Nullable String correlationId,
        @Nullable String causationId,
        String source,
        @Nullable JsonText headers,
        @Nullable String payload,
        @Nullable String body,
        String contentType) {}
