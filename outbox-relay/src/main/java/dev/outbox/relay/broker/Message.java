package dev.outbox.relay.broker;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A committed message, as it was read from the outbox.
 *
 * <p>Text is held as the UTF-8 bytes that the database sent, so that it reaches the broker's record without a detour
 * through {@code String}. The arrays are shared, not copied: nobody may write to them.
 *
 * @param seq the place in the order of publication
 * @param id the 36 characters of the UUID
 * @param topic the logical destination
 * @param key the ordering key
 * @param type the event type, such as {@code order.created}
 * @param version the payload's schema version, MAJOR.MINOR
 * @param occurredAtMicros microseconds since 1970-01-01T00:00Z
 * @param correlationId what the message belongs to
 * @param causationId what caused it
 * @param source the service that appended it
 * @param headers a JSON object of strings
 * @param payload JSON, byte for byte as it was written
 * @param body content that is not JSON; a message with neither payload nor body is a tombstone
 * @param contentType the content's media type
 * @param replayId names the replay that publishes the message once more; null the first time
 */
@SuppressWarnings("ArrayRecordComponent") // compared by no one; copies would cost what the type is for
public record Message(
        long seq,
        byte[] id,
        String topic,
        byte @Nullable [] key,
        byte[] type,
        byte[] version,
        long occurredAtMicros,
        byte @Nullable [] correlationId,
        byte @Nullable [] causationId,
        byte[] source,
        byte @Nullable [] headers,
        byte @Nullable [] payload,
        byte @Nullable [] body,
        byte[] contentType,
        @Nullable String replayId) {

    /** What an instance weighs beside its contents: the objects, and the rounding of their sizes. */
    private static final int OVERHEAD_BYTES = 400;

    private static final long MICROS_PER_SECOND = 1_000_000;

    /** The same once more, for a replay, to a topic that may be another. */
    public Message replayed(String replayId, String topic) {
        return new Message(
                seq,
                id,
                topic,
                key,
                type,
                version,
                occurredAtMicros,
                correlationId,
                causationId,
                source,
                headers,
                payload,
                body,
                contentType,
                replayId);
    }

    /** About how much memory the message takes, in bytes. */
    public int sizeBytes() {
        return OVERHEAD_BYTES
                + type.length
                + length(key)
                + length(correlationId)
                + length(causationId)
                + source.length
                + length(headers)
                + length(payload)
                + length(body);
    }

    /** The key as text, or null. */
    public @Nullable String keyText() {
        return key == null ? null : new String(key, StandardCharsets.UTF_8);
    }

    /** The id as text. */
    public String idText() {
        return new String(id, StandardCharsets.US_ASCII);
    }

    /** Whether the message has no content and stands for the end of its key. */
    public boolean tombstone() {
        return payload == null && body == null;
    }

    /** When the event happened. */
    public Instant occurredAt() {
        return Instant.ofEpochSecond(
                Math.floorDiv(occurredAtMicros, MICROS_PER_SECOND),
                Math.floorMod(occurredAtMicros, MICROS_PER_SECOND) * 1000);
    }

    /** Names the message without its content. */
    @Override
    public String toString() {
        return "Message[seq=" + seq + ", id=" + idText() + ", topic=" + topic + "]";
    }

    private static int length(byte @Nullable [] bytes) {
        return bytes == null ? 0 : bytes.length;
    }
}
