package dev.outbox.relay.ops;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A topic and key that is held, and by what: a row of the view {@code held_keys}. A topic that is held as a whole has no
 * key, and its head's state is {@code WAITING}.
 *
 * @param headId the message that the others wait behind
 * @param held how many wait
 * @param since when the head was parked
 */
public record HeldKey(
        String channel,
        String topic,
        @Nullable String key,
        @Nullable UUID headId,
        @Nullable Long headSeq,
        String headState,
        long held,
        @Nullable Instant since,
        @Nullable Integer attempts,
        @Nullable Instant nextAttemptAt,
        @Nullable String lastErrorClass,
        @Nullable String lastError) {}
