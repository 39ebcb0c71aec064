package dev.outbox.consumer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EventReaderTest {

    private static final Origin ORIGIN = new Origin.Kafka("orders", 2, 41);
    private static final String ENVELOPE = """
            {"eventId":"e-1","eventType":"order.created","eventVersion":"1.0","occurredAt":"2026-01-15T10:30:00.123456Z",\
            "correlationId":"c-1","causationId":"m-1",\
            "source":{"service":"order-service","instance":"i"},"data":%s}""";
    private static final Map<String, String> HEADERS = Map.of(
            "event-id", "e-1",
            "event-type", "order.created",
            "event-version", "1.0",
            "occurred-at", "2026-01-15T10:30:00.123456Z",
            "source-service", "order-service",
            "content-type", "application/avro");

    @Test
    void readsTheEnvelope() {
        ReceivedEvent event = read(ENVELOPE.formatted("{\"n\": 1.0}"));

        assertThat(event.id()).isEqualTo("e-1");
        assertThat(event.type()).isEqualTo("order.created");
        assertThat(event.version()).isEqualTo("1.0");
        assertThat(event.occurredAt()).isEqualTo(Instant.parse("2026-01-15T10:30:00.123456Z"));
        assertThat(event.correlationId()).isEqualTo("c-1");
        assertThat(event.causationId()).isEqualTo("m-1");
        assertThat(event.source()).isEqualTo("order-service");
        assertThat(event.key()).isEqualTo("k");
        assertThat(event.origin()).isEqualTo(ORIGIN);
        assertThat(event.contentType()).isEqualTo("application/json");
        assertThat(event.isTombstone()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{ \"a\" : [ 1.50, {\"b\":null} ] }",
                "[]",
                "{}",
                "\"text with \\\" and ü€😀\"",
                "\"\"",
                "1.0E+2",
                "-7",
                "0",
                "true",
                "null",
                "{\"data\":{\"eventId\":\"inner\"}}"
            })
    void givesTheDataByteForByte(String data) {
        assertThat(text(read(ENVELOPE.formatted(data)))).isEqualTo(data);
        assertThat(text(read(ENVELOPE.formatted(" \n" + data + "\t ")))).isEqualTo(data);
        assertThat(text(read(ENVELOPE.formatted(data + ",\"later\":1")))).isEqualTo(data);
    }

    @Test
    void findsTheDataBehindLongTextOfManyBytesACharacter() {
        String text = "\"" + "ü€😀".repeat(20_000) + "\"";
        String envelope = ENVELOPE.formatted("{}").replace("\"i\"", text);
        assertThat(text(read(envelope))).isEqualTo("{}");
        assertThat(text(read(ENVELOPE.formatted(text)))).isEqualTo(text);
    }

    @Test
    void passesByWhatItDoesNotKnow() {
        String more = "{\"new\":{\"deep\":[1]},\"flag\":true,"
                + ENVELOPE.formatted("1").substring(1);
        assertThat(read(more).id()).isEqualTo("e-1");
    }

    @Test
    void takesTheOptionalMembersAsAbsentWhenTheyAre() {
        ReceivedEvent event = read(ENVELOPE.formatted("1")
                .replace("\"correlationId\":\"c-1\",", "")
                .replace("\"causationId\":\"m-1\"", "\"causationId\":null"));
        assertThat(event.correlationId()).isNull();
        assertThat(event.causationId()).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"eventId", "eventType", "eventVersion", "occurredAt", "source", "service", "data"})
    void refusesAnEnvelopeWithoutWhatEveryEventHas(String member) {
        String lacking = ENVELOPE.formatted("1").replace("\"" + member + "\"", "\"other\"");
        assertThatThrownBy(() -> read(lacking))
                .isInstanceOf(MalformedEventException.class)
                .hasMessageContaining("orders-2@41");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "not json secret",
                "[]",
                "\"text\"",
                "{\"eventId\":\"secret",
                "{\"eventId\":7,\"secret\":1}",
                "{} {}",
                "{\"source\":\"secret\"}"
            })
    void refusesWhatIsNoEnvelopeWithoutQuotingIt(String value) {
        assertThatThrownBy(() -> read(value))
                .isInstanceOf(MalformedEventException.class)
                .hasMessageNotContaining("secret");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"1\"", "\"v1.0\"", "\"1.0.0\"", "\"\""})
    void refusesAVersionOfAnotherForm(String version) {
        assertThatThrownBy(() -> read(ENVELOPE.formatted("1").replace("\"1.0\"", version)))
                .isInstanceOf(MalformedEventException.class);
    }

    @Test
    void refusesAnIdThatTheInboxCannotHold() {
        assertThatThrownBy(() -> read(ENVELOPE.formatted("1").replace("e-1", "ü".repeat(128))))
                .isInstanceOf(MalformedEventException.class)
                .hasMessageContaining("255");
        for (String escape : List.of("\\u0000", "\\ud800")) {
            assertThatThrownBy(() -> read(ENVELOPE.formatted("1").replace("e-1", escape)))
                    .isInstanceOf(MalformedEventException.class);
        }
    }

    @Test
    void refusesTrailingTokens() {
        assertThatThrownBy(() -> read(ENVELOPE.formatted("1") + "{}")).isInstanceOf(MalformedEventException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"application/vnd.acme+json", "Application/JSON; charset=utf-8"})
    void knowsJsonByItsContentType(String contentType) {
        ReceivedEvent event =
                EventReader.read(ORIGIN, null, bytes(ENVELOPE.formatted("1")), Map.of("content-type", contentType));
        assertThat(event.key()).isNull();
        assertThat(text(event)).isEqualTo("1");
    }

    @Test
    void readsOtherContentByItsHeaders() {
        byte[] avro = {0, 1, -1};
        ReceivedEvent event = EventReader.read(ORIGIN, bytes("k"), avro, HEADERS);
        assertThat(event.data()).isEqualTo(avro);
        assertThat(event.contentType()).isEqualTo("application/avro");
        assertThat(event.type()).isEqualTo("order.created");
        assertThat(event.headers()).containsAllEntriesOf(HEADERS);
    }

    @Test
    void readsATombstoneByItsHeaders() {
        ReceivedEvent event = EventReader.read(ORIGIN, bytes("k"), null, HEADERS);
        assertThat(event.isTombstone()).isTrue();
        assertThat(event.key()).isEqualTo("k");
    }

    @Test
    void refusesATombstoneOfAnotherProducer() {
        assertThatThrownBy(() -> EventReader.read(ORIGIN, bytes("k"), null, Map.of()))
                .isInstanceOf(MalformedEventException.class)
                .hasMessageContaining("header event-id is missing");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{ \"total\" : 1.50 }",
                "{}",
                "[1, 2]",
                "\"ü\"",
                "7",
                "null",
                "{\"eventId\":7,\"source\":\"web\",\"data\":[]}",
                "{\"eventId\":\"own\",\"eventType\":\"own\",\"occurredAt\":\"own\",\"source\":{},\"data\":{}}"
            })
    void readsContentWithoutEnvelopeByItsHeaders(String content) {
        ReceivedEvent event = without(content, Map.of("correlation-id", "c-1", "causation-id", "m-1"));
        assertThat(text(event)).isEqualTo(content);
        assertThat(event.id()).isEqualTo("e-1");
        assertThat(event.type()).isEqualTo("order.created");
        assertThat(event.version()).isEqualTo("1.0");
        assertThat(event.occurredAt()).isEqualTo(Instant.parse("2026-01-15T10:30:00.123456Z"));
        assertThat(event.correlationId()).isEqualTo("c-1");
        assertThat(event.causationId()).isEqualTo("m-1");
        assertThat(event.source()).isEqualTo("order-service");
        assertThat(event.contentType()).isEqualTo("application/json");
    }

    @Test
    void takesAnEnvelopeAtItsWordWhateverTheHeadersSay() {
        ReceivedEvent event = without(ENVELOPE.formatted("1"), Map.of("event-id", "other", "event-type", "other"));
        assertThat(event.id()).isEqualTo("e-1");
        assertThat(event.type()).isEqualTo("order.created");
        assertThat(text(event)).isEqualTo("1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"event-id", "event-type", "event-version", "occurred-at", "source-service"})
    void namesTheHeaderThatContentWithoutEnvelopeLacks(String header) {
        Map<String, String> lacking = new HashMap<>(HEADERS);
        lacking.remove(header);
        for (String contentType : List.of("application/json", "application/avro")) {
            lacking.put("content-type", contentType);
            assertThatThrownBy(() -> EventReader.read(ORIGIN, null, bytes("{\"secret\":1}"), lacking))
                    .isInstanceOf(MalformedEventException.class)
                    .hasMessageContaining("orders-2@41")
                    .hasMessageContaining("the header " + header + " is missing")
                    .hasMessageNotContaining("secret");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "not json secret", "{\"secret\":", "{} {}", "[secret]"})
    void refusesContentThatIsNotTheJsonThatItSaysItIs(String content) {
        assertThatThrownBy(() -> without(content, Map.of()))
                .isInstanceOf(MalformedEventException.class)
                .hasMessageContaining("value")
                .hasMessageNotContaining("secret");
    }

    @ParameterizedTest
    @ValueSource(strings = {"eventId", "eventType", "eventVersion", "occurredAt"})
    void refusesAMemberOfAnotherKindInACompleteEnvelope(String member) {
        String other = ENVELOPE.formatted("1").replaceFirst("\"" + member + "\":\"[^\"]*\"", "\"" + member + "\":7");
        assertThatThrownBy(() -> without(other, Map.of()))
                .isInstanceOf(MalformedEventException.class)
                .hasMessageContaining(member + " is not a string");
    }

    @Test
    void findsTheDataBehindAByteOrderMark() {
        assertThat(text(read("\ufeff" + ENVELOPE.formatted("{\"n\":1}")))).isEqualTo("{\"n\":1}");
    }

    @Test
    void refusesAnEnvelopeInAnotherEncoding() {
        byte[] utf16 = ENVELOPE.formatted("1").getBytes(StandardCharsets.UTF_16);
        assertThatThrownBy(() -> EventReader.read(ORIGIN, null, utf16, Map.of()))
                .isInstanceOf(MalformedEventException.class)
                .hasMessageContaining("UTF-8");
    }

    /** Reads JSON that comes with complete headers, and these. */
    private static ReceivedEvent without(String content, Map<String, String> headers) {
        Map<String, String> all = new HashMap<>(HEADERS);
        all.put("content-type", "application/json");
        all.putAll(headers);
        return EventReader.read(ORIGIN, bytes("k"), bytes(content), all);
    }

    private static ReceivedEvent read(String value) {
        return EventReader.read(ORIGIN, bytes("k"), bytes(value), Map.of());
    }

    private static @Nullable String text(ReceivedEvent event) {
        byte[] data = event.data();
        return data == null ? null : new String(data, StandardCharsets.UTF_8);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
