package dev.outbox.consumer;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * CloudEvents 1.0 in the structured and the binary mode of the bindings for Kafka and AMQP. In either, attributes are
 * given as the headers that the binary mode has on Kafka: {@code ce_subject} and so on.
 */
final class CloudEvents {

    /** What an attribute's header begins with, among the headers that a reader is given. */
    static final String PREFIX = "ce_";

    private static final String MEDIA_TYPE = "application/cloudevents";
    private static final String STRUCTURED = MEDIA_TYPE + "+json";
    private static final String SPEC_VERSION = "specversion";
    private static final String CONTENT_TYPE = "datacontenttype";
    private static final String DATA = "data";
    private static final String BASE64 = "data_base64";
    private static final String VERSION_UNLESS_GIVEN = "1.0";

    private CloudEvents() {}

    /** Whether the value is an event in some format of CloudEvents. */
    static boolean isStructured(String contentType) {
        return contentType.strip().toLowerCase(Locale.ROOT).startsWith(MEDIA_TYPE);
    }

    /** Whether the headers describe an event in the binary mode; a stray attribute beside an event's id does not. */
    static boolean isBinary(Map<String, String> headers) {
        return headers.containsKey(PREFIX + SPEC_VERSION)
                || (!headers.containsKey(Part.ID.header())
                        && (headers.containsKey(PREFIX + "id")
                                || headers.containsKey(PREFIX + "type")
                                || headers.containsKey(PREFIX + "source")));
    }

    /**
     * Reads the structured mode.
     *
     * @param headers gets the attributes
     * @throws MalformedEventException if it is not in JSON, or not of this version of CloudEvents
     */
    static Found structured(
            Origin origin,
            byte[] value,
            String contentType,
            Map<String, String> headers,
            @Nullable Instant publishedAt) {
        if (!EventReader.mediaType(contentType).equals(STRUCTURED)) {
            throw new MalformedEventException(
                    origin,
                    "of the formats of CloudEvents only " + STRUCTURED + " is read; its content type is another");
        }
        JsonValue json = JsonValue.read(origin, value, name -> !isData(name), CloudEvents::isData);
        Map<String, String> attributes = json.scalars();
        // Extensions may be numbers and the like; these are text.
        for (Part part : Part.values()) {
            json.string(part.attribute());
        }
        json.string(SPEC_VERSION);
        String dataType = json.string(CONTENT_TYPE);
        attributes.forEach((name, text) -> headers.put(PREFIX + name, text));
        String given = dataType == null ? EventReader.JSON_TYPE : dataType;
        return found(origin, attributes, name -> "attribute " + name, data(origin, json, given), given, publishedAt);
    }

    private static boolean isData(String name) {
        return name.equals(DATA) || name.equals(BASE64);
    }

    /** The content: JSON as it is, other text and bytes as the content type has them; of no bytes if there is none. */
    private static byte[] data(Origin origin, JsonValue json, String contentType) {
        byte[] data = json.slice(DATA);
        String base64 = json.slicedString(BASE64);
        if (base64 != null) {
            if (data != null) {
                throw new MalformedEventException(origin, "it has both " + DATA + " and " + BASE64);
            }
            try {
                return Base64.getDecoder().decode(base64);
            } catch (IllegalArgumentException e) {
                throw new MalformedEventException(origin, "the member " + BASE64 + " is not Base64");
            }
        }
        if (data != null && EventReader.isJson(contentType)) {
            return data;
        }
        String text = json.slicedString(DATA);
        return text == null ? new byte[0] : text.getBytes(StandardCharsets.UTF_8);
    }

    /** Reads the binary mode, whose value is the content. */
    static Found binary(
            Origin origin,
            byte @Nullable [] value,
            String contentType,
            Map<String, String> headers,
            @Nullable Instant publishedAt) {
        Map<String, String> attributes = new HashMap<>();
        headers.forEach((name, text) -> {
            if (name.startsWith(PREFIX)) {
                attributes.put(name.substring(PREFIX.length()), text);
            }
        });
        String prefix = origin instanceof Origin.RabbitMq ? "header cloudEvents:" : "header " + PREFIX;
        return found(origin, attributes, name -> prefix + name, value, contentType, publishedAt);
    }

    private static Found found(
            Origin origin,
            Map<String, String> attributes,
            UnaryOperator<String> place,
            byte @Nullable [] data,
            String contentType,
            @Nullable Instant publishedAt) {
        String specVersion = attributes.get(SPEC_VERSION);
        if (specVersion == null || !specVersion.equals("1.0")) {
            throw new MalformedEventException(
                    origin, "the " + place.apply(SPEC_VERSION) + (specVersion == null ? " is missing" : " is not 1.0"));
        }
        Map<Part, String> parts = new EnumMap<>(Part.class);
        for (Part part : Part.values()) {
            String text = attributes.get(part.attribute());
            if (text != null) {
                parts.put(part, text);
            }
        }
        parts.putIfAbsent(Part.VERSION, VERSION_UNLESS_GIVEN);
        if (publishedAt != null) {
            parts.putIfAbsent(Part.OCCURRED_AT, publishedAt.toString());
        }
        return new Found(origin, parts, part -> place.apply(part.attribute()), data, contentType);
    }
}
