package dev.outbox.relay.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EnvelopeTest {

    private final Envelope envelope = new Envelope(Envelope.Format.JSON);

    @Test
    void wrapsThePayloadByteForByte() {
        assertThat(json(message("order-service", null, "{ \"a\" :1.00, \"ü\":\"\\u0000\"}")))
                .isEqualTo("{\"eventId\":\"0193\",\"eventType\":\"order.created\",\"eventVersion\":\"1.0\","
                        + "\"occurredAt\":\"2026-01-15T10:30:00.123456Z\",\"source\":{\"service\":\"order-service\"},"
                        + "\"data\":{ \"a\" :1.00, \"ü\":\"\\u0000\"}}");
    }

    @Test
    void escapesWhatJsonStringsCannotHold() {
        assertThat(json(message("a\"b\\c\n\u0001é", null, "1")))
                .contains("{\"service\":\"a\\\"b\\\\c\\u000a\\u0001é\"}");
    }

    @Test
    void growsForLargePayloads() {
        String payload = "\"" + "x".repeat(100_000) + "\"";
        assertThat(json(message("s", null, payload))).endsWith("\"data\":" + payload + "}");
        assertThat(json(message("s", null, "1"))).endsWith("\"data\":1}");
    }

    @Test
    void takesInstanceAndEnvironmentFromTheHeaders() {
        assertThat(json(message("s", "{\"environment\":\"test\",\"instance\":\"i-1\"}", "1")))
                .contains("\"source\":{\"service\":\"s\",\"instance\":\"i-1\",\"environment\":\"test\"}");
    }

    @Test
    void withoutAnEnvelopeThePayloadStandsAlone() {
        Message message = message("s", null, "{\"a\":1}");
        assertThat(new Envelope(Envelope.Format.NONE).value(message, MessageHeaders.NONE, new byte[0]))
                .asString()
                .isEqualTo("{\"a\":1}");
    }

    @Test
    void headersKeepTheirOrderAndNobodyForgesTheRelaysOwn() {
        MessageHeaders headers = MessageHeaders.of(message(
                "s",
                "{\"b\":\"1\",\"event-id\":\"forged\",\"a\":\"\\u20ac\",\"n\":1.50,\"o\":{\"x\":[1, {}]},\"z\":null}",
                "1"));
        assertThat(headers.entries())
                .extracting(entry -> entry.name() + "=" + new String(entry.value(), StandardCharsets.UTF_8))
                .containsExactly("b=1", "a=€", "n=1.50", "o={\"x\":[1, {}]}", "z=null");
    }

    @Test
    void headersThatNoReaderTakesAreTheMessagesFault() {
        Message message = message("s", "{\"deep\":" + "[".repeat(2000) + "]".repeat(2000) + "}", "1");
        assertThatThrownBy(() -> MessageHeaders.of(message))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Headers cannot be read: seq=1");
    }

    @ParameterizedTest
    @CsvSource({
        "1970-01-01T00:00:00Z, 1970-01-01T00:00:00.000000Z",
        "1969-12-31T23:59:59.999999Z, 1969-12-31T23:59:59.999999Z",
        "2024-02-29T12:34:56.000001Z, 2024-02-29T12:34:56.000001Z",
        "9999-12-31T23:59:59Z, 9999-12-31T23:59:59.000000Z",
        "+10000-01-01T00:00:00Z, +10000-01-01T00:00Z",
        "-0044-03-15T12:00:00Z, -0044-03-15T12:00Z"
    })
    void timesAreWrittenInUtcWithMicroseconds(String instant, String expected) {
        assertThat(MessageHeaders.timestamp(message(Instant.parse(instant))))
                .asString()
                .isEqualTo(expected);
    }

    private String json(Message message) {
        byte[] value = envelope.value(message, MessageHeaders.of(message), MessageHeaders.timestamp(message));
        return new String(value, StandardCharsets.UTF_8);
    }

    private static Message message(Instant at) {
        return message("s", null, "1", at);
    }

    private static Message message(String source, @Nullable String headers, String payload) {
        return message(source, headers, payload, Instant.parse("2026-01-15T10:30:00.123456Z"));
    }

    private static Message message(String source, @Nullable String headers, String payload, Instant at) {
        long micros = TimeUnit.SECONDS.toMicros(at.getEpochSecond()) + at.getNano() / 1000;
        return new Message(
                1,
                bytes("0193"),
                "orders",
                bytes("k"),
                bytes("order.created"),
                bytes("1.0"),
                micros,
                null,
                null,
                bytes(source),
                headers == null ? null : bytes(headers),
                bytes(payload),
                null,
                bytes("application/json"),
                null);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
