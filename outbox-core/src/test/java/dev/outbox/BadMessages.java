package dev.outbox;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One message for each way to break a limit, with what the refusal must name. */
final class BadMessages {

    record Case(String name, OutboxMessage message, String field, String limit) {}

    private static final String BIG = "x".repeat(OutboxSettings.PAYLOAD_BYTES_DEFAULT);

    private final List<Case> cases = new ArrayList<>();

    private BadMessages() {}

    static List<Case> all() {
        BadMessages bad = new BadMessages();
        bad.names();
        bad.headers();
        bad.payloads();
        return bad.cases;
    }

    private void names() {
        add("empty topic", of("", "order.created", "k"), "topic", "1..249 bytes");
        add("null topic", of(nothing(), "order.created", "k"), "topic", "1..249 bytes");
        add("long topic", of("é".repeat(125), "order.created", "k"), "topic", "1..249 bytes");
        add("line break in topic", of("a\nb", "order.created", "k"), "topic", "without control characters");
        add("NUL in topic", of("a\0b", "order.created", "k"), "topic", "without control characters");
        add("half a character in topic", of("a\ud83d", "order.created", "k"), "topic", "whole characters");
        add("empty type", of("orders", "", "k"), "type", "1..255 bytes");
        add("null type", of("orders", nothing(), "k"), "type", "1..255 bytes");
        add("type of one word", of("orders", "created", "k"), "type", "matches");
        add("type of capitals", of("orders", "Order.Created", "k"), "type", "matches");
        add("type with a line break at its end", of("orders", "order.created\n", "k"), "type", "without control");
        add("long type", of("orders", "a." + "b".repeat(254), "k"), "type", "1..255 bytes");
        add("empty key", of("orders", "order.created", ""), "key", "1..1024 bytes");
        add("long key", of("orders", "order.created", "é".repeat(513)), "key", "1..1024 bytes");
        add("NUL in key", of("orders", "order.created", "a\0"), "key", "without NUL");
        add("half a character in key", of("orders", "order.created", "\ude00a"), "key", "whole characters");
        add("empty channel", good().withChannel(""), "channel", "1..63 bytes");
        add("long channel", good().withChannel("c".repeat(64)), "channel", "1..63 bytes");
        add("null channel", good().withChannel(nothing()), "channel", "1..63 bytes");
        add("version of one number", good().withVersion("1"), "version", "MAJOR.MINOR");
        add("version of other digits", good().withVersion("1.٣"), "version", "MAJOR.MINOR");
        add("version with a line break", good().withVersion("1.0\n"), "version", "MAJOR.MINOR");
        add("empty correlation id", good().withCorrelationId(""), "correlationId", "1..255 bytes");
        add("long correlation id", good().withCorrelationId("c".repeat(256)), "correlationId", "1..255 bytes");
        add("NUL in causation id", good().withCausationId("a\0b"), "causationId", "without control characters");
        add("empty content type", good().withContentType(""), "contentType", "1..255 bytes");
        add("content type beyond ASCII", good().withContentType("text/é"), "contentType", "visible ASCII");
        add("time before year 1", good().withOccurredAt(Instant.MIN), "occurredAt", "years 0001..9999");
        add("time after year 9999", good().withOccurredAt(Instant.MAX), "occurredAt", "years 0001..9999");
    }

    private void headers() {
        add("empty header name", good().withHeader("", "v"), "headers", "1..255 bytes");
        add("null header name", good().withHeaders(nullName()), "headers", "1..255 bytes");
        add("long header name", good().withHeader("n".repeat(256), "v"), "headers", "1..255 bytes");
        add("space in header name", good().withHeader("a b", "v"), "headers", "letters, digits");
        add("NUL in header name", good().withHeader("a\0", "v"), "headers", "letters, digits");
        add("header name beyond ASCII", good().withHeader("é", "v"), "headers", "letters, digits");
        add("reserved header", good().withHeader("Event-Id", "v"), "headers[Event-Id]", "the relay");
        add("null header value", good().withHeader("n", nothing()), "headers[n]", "0..8192 bytes");
        add("long header value", good().withHeader("n", "v".repeat(8193)), "headers[n]", "0..8192 bytes");
        add("NUL in header value", good().withHeader("n", "a\0"), "headers[n]", "without NUL");
        add("half a character in header value", good().withHeader("n", "\ud83d"), "headers[n]", "whole characters");
        Map<String, String> many = new LinkedHashMap<>();
        for (int i = 0; i < 65; i++) {
            many.put("n" + i, "v");
        }
        add("many headers", good().withHeaders(many), "headers", "at most 64");
        Map<String, String> large = new LinkedHashMap<>();
        for (int i = 0; i < 5; i++) {
            large.put("n" + i, "€".repeat(2730));
        }
        add("large headers", good().withHeaders(large), "headers", "at most 32768 bytes");
        add("headers large by escapes", good().withHeader("n", "\u0001".repeat(6000)), "headers", "at most 32768");
    }

    private void payloads() {
        add("null payload", OutboxMessage.of("orders", "order.created", "k", nothing()), "payload", "an object");
        add("null JSON", json(nothing()), "payload", "an object");
        add("unserialisable object", OutboxMessage.of("orders", "order.created", "k", new Cyclic()), "payload", "JSON");
        add("large object", OutboxMessage.of("orders", "order.created", "k", BIG), "payload", "1..1048576 bytes");
        add("large text", json("\"" + BIG + "\""), "payload", "1..1048576 bytes");
        add("large body", bytes(new byte[BIG.length() + 1]), "body", "0..1048576 bytes");
        add("empty text", json(""), "payload", "1..1048576 bytes");
        for (String text :
                List.of(" ", "{", "{\"a\":1}}", "1 2", "{'a':1}", "NaN", "01", "\ufeff{}", "\"\t\"", "[1,]")) {
            add("invalid JSON " + text, json(text), "payload", "one JSON value");
        }
        add("deep JSON", json("[".repeat(501) + "]".repeat(501)), "payload", "nested at most 500 deep");
        add("long number", json("1".repeat(1001)), "payload", "numbers of at most 1000");
        add("NUL in JSON", json("\"a\0\""), "payload", "without NUL");
        add("half a character in JSON", json("\"\ud83d\""), "payload", "whole characters");
        byte[] latin = "\"é\"".getBytes(StandardCharsets.ISO_8859_1);
        add(
                "bytes that are not UTF-8",
                OutboxMessage.ofJson("orders", "order.created", "k", latin),
                "payload",
                "UTF-8");
        byte[] utf16 = "{}".getBytes(StandardCharsets.UTF_16BE);
        add("bytes in UTF-16", OutboxMessage.ofJson("orders", "order.created", "k", utf16), "payload", "without NUL");
        add("tombstone without a key", OutboxMessage.tombstone("orders", "order.deleted", nothing()), "key", "1..1024");
    }

    private void add(String name, OutboxMessage message, String field, String limit) {
        cases.add(new Case(name, message, field, limit));
    }

    private static OutboxMessage good() {
        return of("orders", "order.created", "k");
    }

    private static OutboxMessage of(String topic, String type, String key) {
        return OutboxMessage.of(topic, type, key, Map.of("a", 1));
    }

    private static OutboxMessage json(String text) {
        return OutboxMessage.ofJson("orders", "order.created", "k", text);
    }

    private static OutboxMessage bytes(byte[] body) {
        return OutboxMessage.ofBytes("orders", "order.created", "k", body, "application/octet-stream");
    }

    private static Map<String, String> nullName() {
        return Collections.singletonMap(nothing(), "v");
    }

    /** What a caller without null checks may pass. */
    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
    private static <T> T nothing() {
        @Nullable T nothing = null;
        return nothing;
    }

    static final class Cyclic {

        public Cyclic getSelf() {
            return this;
        }
    }
}
