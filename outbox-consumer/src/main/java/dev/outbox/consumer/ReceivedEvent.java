package dev.outbox.consumer;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An event as it came from the broker. Immutable, but for the bytes of {@code data}, which are shared and which nobody
 * may write to.
 *
 * <pre>{@code
 * OrderCreated created = json.readValue(event.data(), OrderCreated.class);
 * }</pre>
 *
 * @param id the id that the event has at every delivery, 1 to 255 bytes
 * @param type what happened, such as {@code order.created}
 * @param version the schema version of the data, MAJOR.MINOR
 * @param occurredAt when it happened, by the clock of the service that appended it; of a CloudEvent without a time, when
 *     it was published
 * @param correlationId the business flow that it belongs to
 * @param causationId the message or request that caused it
 * @param source the service that appended it; of a CloudEvent, its source
 * @param key the ordering key: events of one topic and key come in order
 * @param data the content: JSON byte for byte as it was appended, or another format; null for a tombstone
 * @param contentType the media type of the data
 * @param headers all headers as text, in their order; of those that come twice, the last; and all attributes of a
 *     CloudEvent, as {@code ce_subject}
 * @param origin where it was received from
 */
@SuppressWarnings("ArrayRecordComponent") // handed to the handler's parser; a copy would serve nobody
public record ReceivedEvent(
        String id,
        String type,
        String version,
        Instant occurredAt,
        @Nullable String correlationId,
        @Nullable String causationId,
        String source,
        @Nullable String key,
        byte @Nullable [] data,
        String contentType,
        Map<String, String> headers,
        Origin origin) {

    /** Copies the headers, keeping their order. */
    public ReceivedEvent {
        headers = Collections.unmodifiableMap(new LinkedHashMap<>(headers));
    }

    /** Whether the event has no content and stands for the end of its key. */
    public boolean isTombstone() {
        return data == null;
    }

    /** Names the event without its key, headers and content. */
    @Override
    public String toString() {
        return "ReceivedEvent[id=" + id + ", type=" + type + ", version=" + version + ", origin=" + origin + "]";
    }
}
