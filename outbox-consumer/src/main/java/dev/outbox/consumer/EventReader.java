package dev.outbox.consumer;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads events from what the relay puts on the wire, whichever broker carries it.
 *
 * <p>The record itself tells its form:
 *
 * <ul>
 *   <li>A value of the content type {@code application/cloudevents+json} is a CloudEvent 1.0 in structured mode.
 *   <li>A value with the header {@code ce_specversion} is the content of a CloudEvent in binary mode.
 *   <li>A value whose content type is JSON (or not given), and which is an object with all the members of the JSON
 *       envelope, is one, and it alone counts.
 *   <li>Any other value is the content as it is, described by the headers: content of another type, content that was
 *       published without envelope (format {@code none}), and a tombstone, which has no value.
 * </ul>
 *
 * <p>In each, what it does not know is passed over, and what every event has but this one lacks is an error, as is a
 * value that is not the JSON that it says it is.
 *
 * <p>Of a CloudEvent, the extensions {@code correlationid}, {@code causationid} and {@code eventversion} (1.0 unless
 * given) are known beside id, type, source and time; all its attributes are among the headers, as in {@code ce_subject}.
 * One without data has content of no bytes, unless its record has no value. Its id should be unique by itself: the inbox
 * knows events by their ids alone, while CloudEvents asks for ids that are unique for each source.
 *
 * <p>Has no state; any number of threads may use it.
 */
public final class EventReader {

    static final String JSON_TYPE = "application/json";

    private EventReader() {}

    /**
     * Reads one event.
     *
     * @param origin where it came from
     * @param key the record's key in UTF-8, if any
     * @param value the record's value, null for a tombstone
     * @param headers the record's headers, by the names that Kafka records have
     * @throws MalformedEventException if it is not an event
     */
    public static ReceivedEvent read(
            Origin origin, byte @Nullable [] key, byte @Nullable [] value, Map<String, String> headers) {
        return read(origin, key, value, headers, null);
    }

    /**
     * Reads one event, which may be a CloudEvent without a time.
     *
     * @param origin where it came from
     * @param key the record's key in UTF-8, if any
     * @param value the record's value, null for a tombstone
     * @param headers the record's headers, by the names that Kafka records have
     * @param publishedAt the record's own timestamp, if any; stands in for the time that a CloudEvent may lack
     * @throws MalformedEventException if it is not an event
     */
    public static ReceivedEvent read(
            Origin origin,
            byte @Nullable [] key,
            byte @Nullable [] value,
            Map<String, String> headers,
            @Nullable Instant publishedAt) {
        String keyText = key == null ? null : new String(key, StandardCharsets.UTF_8);
        Map<String, String> all = new LinkedHashMap<>(headers);
        return found(origin, value, all, publishedAt).event(keyText, all);
    }

    /** Finds the form and reads it; attributes that it has in the value are put among the headers. */
    private static Found found(
            Origin origin, byte @Nullable [] value, Map<String, String> headers, @Nullable Instant publishedAt) {
        String contentType = headers.getOrDefault("content-type", JSON_TYPE);
        if (value != null && CloudEvents.isStructured(contentType)) {
            return CloudEvents.structured(origin, value, contentType, headers, publishedAt);
        }
        if (CloudEvents.isBinary(headers)) {
            return CloudEvents.binary(origin, value, contentType, headers, publishedAt);
        }
        if (value == null || !isJson(contentType)) {
            return byHeaders(origin, value, headers, contentType);
        }
        JsonEnvelope envelope = JsonEnvelope.of(origin, value);
        boolean lacksId = !headers.containsKey(Part.ID.header());
        if (envelope.isComplete() || (lacksId && envelope.hasId())) {
            return envelope.found(contentType);
        }
        if (lacksId) {
            throw new MalformedEventException(
                    origin, "the value is not an envelope, and the " + Part.ID.place(origin) + " is missing");
        }
        return byHeaders(origin, value, headers, contentType);
    }

    private static Found byHeaders(
            Origin origin, byte @Nullable [] value, Map<String, String> headers, String contentType) {
        Map<Part, String> parts = new EnumMap<>(Part.class);
        for (Part part : Part.values()) {
            String text = headers.get(part.header());
            if (text != null) {
                parts.put(part, text);
            }
        }
        return new Found(origin, parts, part -> part.place(origin), value, contentType);
    }

    /** The type alone, in lower case. */
    static String mediaType(String contentType) {
        int parameters = contentType.indexOf(';');
        return (parameters < 0 ? contentType : contentType.substring(0, parameters))
                .strip()
                .toLowerCase(Locale.ROOT);
    }

    static boolean isJson(String contentType) {
        String type = mediaType(contentType);
        return type.endsWith("/json") || type.endsWith("+json");
    }
}
