package dev.outbox.relay.broker;

import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * The headers that a service gave a message, in their order.
 *
 * <p>Values that are not strings, which only plain SQL can write, are passed on as their JSON text. Names that the relay
 * itself writes are left out: nobody can pass off another id or sequence as a message's own.
 *
 * @param entries name and value, never a reserved name
 */
public record MessageHeaders(List<Entry> entries) {

    /** No headers. */
    public static final MessageHeaders NONE = new MessageHeaders(List.of());

    private static final Set<String> RESERVED = Set.of(
            "event-id",
            "event-type",
            "event-version",
            "occurred-at",
            "sequence",
            "correlation-id",
            "causation-id",
            "source-service",
            "content-type",
            "replay-id");

    private static final JsonFactory JSON = new JsonFactory();

    private static final byte[] TEMPLATE = "0000-00-00T00:00:00.000000Z".getBytes(StandardCharsets.US_ASCII);

    /** One header; the value is UTF-8. */
    @SuppressWarnings("ArrayRecordComponent") // handed on to the broker's client as it is
    public record Entry(String name, byte[] value) {}

    /** Keeps a copy of the list. */
    public MessageHeaders {
        entries = List.copyOf(entries);
    }

    /**
     * Reads the {@code headers} of a message.
     *
     * @throws IllegalArgumentException if they are beyond what a reader of JSON takes, such as nested 1000 deep; only plain
     *     SQL can write such
     */
    public static MessageHeaders of(Message message) {
        byte[] json = message.headers();
        if (json == null) {
            return NONE;
        }
        List<Entry> entries = new ArrayList<>();
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), json)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                JsonToken value = parser.nextToken();
                String text = value.isScalarValue() ? parser.getString() : skipped(parser, json);
                if (!RESERVED.contains(name)) {
                    entries.add(new Entry(wellFormed(name), text.getBytes(StandardCharsets.UTF_8)));
                }
            }
        } catch (JacksonException e) {
            throw new IllegalArgumentException(
                    "Headers cannot be read: seq=" + message.seq() + ", error=" + e.getOriginalMessage(), e);
        }
        return new MessageHeaders(entries);
    }

    /** Half a surrogate pair has no UTF-8 form, and a client that counts one would break its record. */
    private static String wellFormed(String name) {
        return new String(name.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    }

    private static String skipped(JsonParser parser, byte[] json) {
        int from = (int) parser.currentTokenLocation().getByteOffset();
        parser.skipChildren();
        int to = (int) parser.currentLocation().getByteOffset();
        return new String(json, from, to - from, StandardCharsets.UTF_8);
    }

    /** The value of a header, or null if there is none. */
    public byte @Nullable [] value(String name) {
        for (Entry entry : entries) {
            if (entry.name().equals(name)) {
                return entry.value();
            }
        }
        return null;
    }

    /** When the event happened, as RFC 3339 text in UTC with microseconds: {@code 2026-01-15T10:30:00.123456Z}. */
    public static byte[] timestamp(Message message) {
        long second = Math.floorDiv(message.occurredAtMicros(), 1_000_000L);
        int micros = (int) Math.floorMod(message.occurredAtMicros(), 1_000_000L);
        LocalDateTime at = LocalDateTime.ofEpochSecond(second, 0, ZoneOffset.UTC);
        if (at.getYear() < 0 || at.getYear() > 9999) {
            return at.plusNanos(micros * 1000L).toString().concat("Z").getBytes(StandardCharsets.US_ASCII);
        }
        byte[] text = TEMPLATE.clone();
        digits(text, 0, 4, at.getYear());
        digits(text, 5, 2, at.getMonthValue());
        digits(text, 8, 2, at.getDayOfMonth());
        digits(text, 11, 2, at.getHour());
        digits(text, 14, 2, at.getMinute());
        digits(text, 17, 2, at.getSecond());
        digits(text, 20, 6, micros);
        return text;
    }

    private static void digits(byte[] text, int at, int count, int number) {
        int rest = number;
        for (int place = at + count - 1; place >= at; place--) {
            text[place] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
    }
}
