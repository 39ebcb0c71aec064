package dev.outbox.consumer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CloudEventsTest {

    private static final Origin ORIGIN = new Origin.Kafka("orders", 2, 41);
    private static final Instant PUBLISHED_AT = Instant.parse("2026-01-15T10:31:00Z");
    private static final String STRUCTURED = """
            {"specversion":"1.0","id":"e-1","type":"order.created","source":"/orders","time":"2026-01-15T12:30:00.5+02:00",\
            "subject":"o-1","correlationid":"c-1","causationid":"m-1","eventversion":"2.1","dataschema":"https://x/y",\
            "region":"eu","level":5,"unset":null,"deep":{"a":[1]}%s}""";
    private static final Map<String, String> BINARY = Map.of(
            "ce_specversion", "1.0",
            "ce_id", "e-1",
            "ce_type", "order.created",
            "ce_source", "/orders",
            "ce_time", "2026-01-15T12:30:00.5+02:00",
            "ce_subject", "o-1",
            "ce_correlationid", "c-1",
            "ce_causationid", "m-1",
            "ce_eventversion", "2.1",
            "content-type", "application/json");

    @Test
    void readsTheStructuredMode() {
        ReceivedEvent event = structured(STRUCTURED.formatted(",\"data\":{ \"n\" : 1.0 }"));
        assertAttributes(event);
        assertThat(text(event)).isEqualTo("{ \"n\" : 1.0 }");
        assertThat(event.contentType()).isEqualTo("application/json");
        assertThat(event.headers())
                .containsEntry("content-type", "Application/CloudEvents+JSON; charset=UTF-8")
                .containsEntry("ce_region", "eu")
                .containsEntry("ce_level", "5")
                .doesNotContainKeys("ce_unset", "ce_deep", "ce_data");
    }

    @ParameterizedTest
    @ValueSource(strings = {"application/json", "application/avro", "text/plain"})
    void readsTheBinaryMode(String contentType) {
        Map<String, String> headers = new HashMap<>(BINARY);
        headers.put("content-type", contentType);
        byte[] content = {0, 1, -1};
        ReceivedEvent event = EventReader.read(ORIGIN, bytes("k"), content, headers, PUBLISHED_AT);
        assertAttributes(event);
        assertThat(event.data()).isEqualTo(content);
        assertThat(event.contentType()).isEqualTo(contentType);
    }

    private static void assertAttributes(ReceivedEvent event) {
        assertThat(event.id()).isEqualTo("e-1");
        assertThat(event.type()).isEqualTo("order.created");
        assertThat(event.version()).isEqualTo("2.1");
        assertThat(event.occurredAt()).isEqualTo(Instant.parse("2026-01-15T10:30:00.500Z"));
        assertThat(event.correlationId()).isEqualTo("c-1");
        assertThat(event.causationId()).isEqualTo("m-1");
        assertThat(event.source()).isEqualTo("/orders");
        assertThat(event.key()).isEqualTo("k");
        assertThat(event.headers()).containsEntry("ce_subject", "o-1").containsEntry("ce_id", "e-1");
    }

    @Test
    void takesTheVersionAs10AndTheTimeFromTheRecordWhereTheyAreNotGiven() {
        Map<String, String> headers = new HashMap<>(BINARY);
        headers.keySet().removeAll(List.of("ce_eventversion", "ce_time", "ce_correlationid", "ce_causationid"));
        ReceivedEvent event = EventReader.read(ORIGIN, null, bytes("{}"), headers, PUBLISHED_AT);
        assertThat(event.version()).isEqualTo("1.0");
        assertThat(event.occurredAt()).isEqualTo(PUBLISHED_AT);
        assertThat(event.correlationId()).isNull();
        assertThat(event.causationId()).isNull();
        assertThatThrownBy(() -> EventReader.read(ORIGIN, null, bytes("{}"), headers))
                .isInstanceOf(MalformedEventException.class)
                .hasMessageContaining("ce_time is missing");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "`,\"datacontenttype\":\"application/xml\",\"data\":\"<a b=\\\"ü\\\"/>\"` | `<a b=\"ü\"/>` | application/xml",
                "`,\"datacontenttype\":\"text/json\",\"data\":\"<a>\"` | `\"<a>\"` | text/json",
                "`,\"data\":\"text\"` | `\"text\"` | application/json",
                "`,\"data\":null` | `null` | application/json",
                "`,\"datacontenttype\":\"application/avro\",\"data_base64\":\"w7wB\"` | `ü\u0001` | application/avro",
                "`,\"data_base64\":null,\"data\":7` | `7` | application/json",
                "`,\"data_base64\":\"\"` | `` | application/json",
                "`` | `` | application/json",
            })
    void readsTheContentAsItsContentTypeHasIt(String members, String content, String contentType) {
        ReceivedEvent event = structured(STRUCTURED.formatted(members));
        assertThat(text(event)).isEqualTo(content);
        assertThat(event.isTombstone()).isFalse();
        assertThat(event.contentType()).isEqualTo(contentType);
    }

    @ParameterizedTest
    @ValueSource(strings = {"specversion", "id", "type", "source"})
    void namesTheAttributeThatIsMissing(String attribute) {
        String without = STRUCTURED.formatted(",\"data\":1").replace("\"" + attribute + "\"", "\"other\"");
        assertRefused(() -> structured(without), "attribute " + attribute + " is missing");
        String number = STRUCTURED.formatted("").replaceFirst("(\"" + attribute + "\":)\"[^\"]*\"", "$17");
        assertRefused(() -> structured(number), attribute + " is not a string");

        Map<String, String> headers = new HashMap<>(BINARY);
        headers.remove("ce_" + attribute);
        assertRefused(
                () -> EventReader.read(ORIGIN, null, bytes("{}"), headers), "header ce_" + attribute + " is missing");
        Origin rabbit = new Origin.RabbitMq("q", "x", "r", null);
        assertRefused(
                () -> EventReader.read(rabbit, null, bytes("{}"), headers),
                "header cloudEvents:" + attribute + " is missing");
    }

    @Test
    void refusesAnotherVersionOfCloudEvents() {
        assertRefused(() -> structured(STRUCTURED.formatted("").replace("1.0", "0.3")), "specversion is not 1.0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ",\"data\":\"secret\",\"data_base64\":\"c2VjcmV0\"",
                ",\"data_base64\":\"secret!\"",
                ",\"data_base64\":7",
                ",\"datacontenttype\":7",
                ",\"datacontenttype\":\"text/plain\",\"data\":{\"secret\":1}",
                ",\"secret"
            })
    void refusesContentThatCannotBeReadWithoutQuotingIt(String members) {
        assertThatThrownBy(() -> structured(STRUCTURED.formatted(members)))
                .isInstanceOf(MalformedEventException.class)
                .hasMessageContaining("orders-2@41")
                .hasMessageNotContaining("secret");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[]", "1", "", "{}"})
    void refusesAStructuredValueThatIsNoCloudEvent(String value) {
        assertThatThrownBy(() -> structured(value)).isInstanceOf(MalformedEventException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"application/cloudevents+avro", "application/cloudevents-batch+json", "application/cloudevents"})
    void refusesOtherFormatsOfCloudEvents(String contentType) {
        assertRefused(
                () -> EventReader.read(ORIGIN, null, bytes("[]"), Map.of("content-type", contentType)),
                "only application/cloudevents+json is read");
    }

    @Test
    void takesARecordWithoutValueForATombstone() {
        ReceivedEvent event = EventReader.read(ORIGIN, bytes("k"), null, BINARY);
        assertThat(event.isTombstone()).isTrue();
        assertThat(event.id()).isEqualTo("e-1");
    }

    @Test
    void takesAStrayAttributeBesideAnEventForAHeaderOfItsOwn() {
        Map<String, String> headers = Map.of(
                "event-id", "e-2",
                "event-type", "order.paid",
                "event-version", "1.0",
                "occurred-at", "2026-01-15T10:30:00Z",
                "source-service", "orders",
                "ce_type", "stray");
        ReceivedEvent event = EventReader.read(ORIGIN, null, bytes("{}"), headers);
        assertThat(event.type()).isEqualTo("order.paid");
        assertThat(event.headers()).containsEntry("ce_type", "stray");
    }

    private static void assertRefused(ThrowingCallable read, String why) {
        assertThatThrownBy(read).isInstanceOf(MalformedEventException.class).hasMessageContaining(why);
    }

    private static ReceivedEvent structured(String value) {
        Map<String, String> headers = Map.of("content-type", "Application/CloudEvents+JSON; charset=UTF-8");
        return EventReader.read(ORIGIN, bytes("k"), bytes(value), headers, PUBLISHED_AT);
    }

    private static @Nullable String text(ReceivedEvent event) {
        byte[] data = event.data();
        return data == null ? null : new String(data, StandardCharsets.UTF_8);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
