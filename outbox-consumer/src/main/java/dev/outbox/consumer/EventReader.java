package dev.outbox.consumer;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads events from what the relay puts on the wire, whichever broker carries it.
 *
 * <p>Where the content type is JSON (or none is given), the value is the JSON envelope, and it alone counts: members that
 * it does not know are passed over, one that is missing or of another kind is an error. Content of another type is
 * described by the headers, and so is a tombstone, which has no value.
 *
 * <p>Not for channels that are published without envelope (format {@code none}): nothing on the wire tells their JSON
 * from an envelope. Has no state; any number of threads may use it.
 */
public final class EventReader {

    private static final JsonFactory JSON = new JsonFactory();
    private static final String JSON_TYPE = "application/json";
    private static final int ID_BYTES_MAX = 255;

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
        String contentType = headers.getOrDefault("content-type", JSON_TYPE);
        Draft draft = new Draft(origin);
        if (value != null && isJson(contentType)) {
            draft.readEnvelope(value);
        } else {
            draft.readHeaders(headers);
            draft.data = value;
        }
        String keyText = key == null ? null : new String(key, StandardCharsets.UTF_8);
        return draft.event(keyText, contentType, headers);
    }

    static boolean isJson(String contentType) {
        int parameters = contentType.indexOf(';');
        String type = (parameters < 0 ? contentType : contentType.substring(0, parameters))
                .strip()
                .toLowerCase(Locale.ROOT);
        return type.equals(JSON_TYPE) || type.endsWith("+json");
    }

    /** What has been found so far. */
    private static final class Draft {

        private final Origin origin;
        private @Nullable String id;
        private @Nullable String type;
        private @Nullable String version;
        private @Nullable String occurredAt;
        private @Nullable String correlationId;
        private @Nullable String causationId;
        private @Nullable String source;
        private byte @Nullable [] data;

        Draft(Origin origin) {
            this.origin = origin;
        }

        void readHeaders(Map<String, String> headers) {
            id = headers.get("event-id");
            type = headers.get("event-type");
            version = headers.get("event-version");
            occurredAt = headers.get("occurred-at");
            correlationId = headers.get("correlation-id");
            causationId = headers.get("causation-id");
            source = headers.get("source-service");
        }

        void readEnvelope(byte[] value) {
            try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), value)) {
                if (parser.nextToken() != JsonToken.START_OBJECT) {
                    throw malformed("the value is not a JSON object");
                }
                while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                    readMember(parser, value);
                }
                if (parser.nextToken() != null) {
                    throw malformed("the value goes on after the envelope");
                }
            } catch (JacksonException e) {
                // Its own text may quote the content.
                throw malformed("the value is not JSON: error=" + e.getClass().getSimpleName());
            }
            if (data == null) {
                throw malformed("the envelope has no data");
            }
        }

        private void readMember(JsonParser parser, byte[] value) {
            String name = parser.currentName();
            parser.nextToken();
            switch (name) {
                case "eventId" -> id = text(parser, name);
                case "eventType" -> type = text(parser, name);
                case "eventVersion" -> version = text(parser, name);
                case "occurredAt" -> occurredAt = text(parser, name);
                case "correlationId" -> correlationId = text(parser, name);
                case "causationId" -> causationId = text(parser, name);
                case "source" -> readSource(parser);
                case "data" -> data = slice(parser, value);
                default -> parser.skipChildren();
            }
        }

        private void readSource(JsonParser parser) {
            if (parser.currentToken() != JsonToken.START_OBJECT) {
                throw malformed("source is not an object");
            }
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                parser.nextToken();
                if (name.equals("service")) {
                    source = text(parser, "source.service");
                } else {
                    parser.skipChildren();
                }
            }
        }

        private @Nullable String text(JsonParser parser, String name) {
            JsonToken token = parser.currentToken();
            if (token == JsonToken.VALUE_NULL) {
                return null;
            }
            if (token != JsonToken.VALUE_STRING) {
                throw malformed(name + " is not a string");
            }
            return parser.getString();
        }

        /** The bytes of the current value as they are: parsing and writing them again would change numbers and spaces. */
        private static byte[] slice(JsonParser parser, byte[] value) {
            int from = (int) parser.currentTokenLocation().getByteOffset();
            parser.skipChildren();
            parser.finishToken();
            int to = (int) parser.currentLocation().getByteOffset();
            return Arrays.copyOfRange(value, from, to);
        }

        ReceivedEvent event(@Nullable String key, String contentType, Map<String, String> headers) {
            String givenId = required("event id", id);
            if (givenId.getBytes(StandardCharsets.UTF_8).length > ID_BYTES_MAX) {
                throw malformed("the event id has more than " + ID_BYTES_MAX + " bytes");
            }
            if (givenId.indexOf('\0') >= 0
                    || !StandardCharsets.UTF_8.newEncoder().canEncode(givenId)) {
                throw malformed("the event id is not text that a database holds");
            }
            String givenVersion = required("event version", version);
            if (Version.parse(givenVersion).isEmpty()) {
                throw malformed("the event version is not MAJOR.MINOR");
            }
            return new ReceivedEvent(
                    givenId,
                    required("event type", type),
                    givenVersion,
                    instant(required("occurred-at", occurredAt)),
                    correlationId,
                    causationId,
                    required("source service", source),
                    key,
                    data,
                    contentType,
                    headers,
                    origin);
        }

        private String required(String name, @Nullable String given) {
            if (given == null || given.isEmpty()) {
                throw malformed("the " + name + " is missing");
            }
            return given;
        }

        private Instant instant(String text) {
            try {
                return Instant.parse(text);
            } catch (DateTimeException e) {
                throw malformed("occurred-at is not an RFC 3339 time in UTC");
            }
        }

        private MalformedEventException malformed(String what) {
            return new MalformedEventException(origin, what);
        }
    }
}
