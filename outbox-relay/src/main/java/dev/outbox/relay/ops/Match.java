package dev.outbox.relay.ops;

import org.jspecify.annotations.Nullable;

/**
 * What messages are to be like. What is null does not narrow it.
 *
 * @param channel of this channel
 * @param topic of this topic
 * @param key of this key
 * @param type of this type
 */
public record Match(
        @Nullable String channel,
        @Nullable String topic,
        @Nullable String key,
        @Nullable String type) {

    /** Whatever they are like. */
    public static final Match ANY = new Match(null, null, null, null);
}
