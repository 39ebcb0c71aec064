package dev.outbox;

import java.time.OffsetDateTime;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** A checked message as the table stores it, column by column, and the bytes it will weigh on the wire. */
@SuppressWarnings("ArrayRecordComponent") // Never compared.
record Row(
        UUID id,
        String channel,
        String topic,
        @Nullable String key,
        String type,
        String version,
        OffsetDateTime occurredAt,
        @Nullable String correlationId,
        @Nullable String causationId,
        String source,
        @Nullable String headers,
        @Nullable String payload,
        byte @Nullable [] body,
        String contentType,
        int bytes) {}
