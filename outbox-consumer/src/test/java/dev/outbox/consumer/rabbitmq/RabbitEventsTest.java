package dev.outbox.consumer.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.impl.LongStringHelper;
import dev.outbox.consumer.MalformedEventException;
import dev.outbox.consumer.Origin;
import dev.outbox.consumer.ReceivedEvent;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@SuppressWarnings("JavaUtilDate") // the client's own type
class RabbitEventsTest {

    private static final String ENVELOPE = """
            {"eventId":"e-1","eventType":"order.created","eventVersion":"1.0","occurredAt":"2026-01-15T10:30:00.123456Z",\
            "source":{"service":"order-service"},"data":{"n":1}}""";

    @Test
    void readsTheEnvelopeAndTakesTheKeyFromItsHeader() {
        ReceivedEvent event = read(properties("application/json", Map.of("x-key", text("k-1"))), ENVELOPE);
        assertThat(event.id()).isEqualTo("e-1");
        assertThat(event.key()).isEqualTo("k-1");
        assertThat(event.data()).isEqualTo("{\"n\":1}".getBytes(StandardCharsets.UTF_8));
        assertThat(event.origin()).hasToString("orders:order.created>inventory#e-1");
        assertThat(event.origin().topic()).isEqualTo("orders");
    }

    @Test
    void takesAMessageWithoutContentTypeAsJson() {
        assertThat(read(new AMQP.BasicProperties(), ENVELOPE).id()).isEqualTo("e-1");
        assertThat(origin(new AMQP.BasicProperties())).hasToString("orders:order.created>inventory");
    }

    @Test
    void readsOtherContentByPropertiesAndHeaders() {
        byte[] avro = {0, 1, -1};
        Map<String, Object> headers =
                new HashMap<>(Map.of("x-causation-id", text("m-1"), "x-correlation-id", text("c-1")));
        ReceivedEvent event = read(properties("application/avro", headers), avro);
        assertThat(event.data()).isEqualTo(avro);
        assertThat(event.contentType()).isEqualTo("application/avro");
        assertThat(event.id()).isEqualTo("e-1");
        assertThat(event.type()).isEqualTo("order.created");
        assertThat(event.version()).isEqualTo("1.0");
        assertThat(event.occurredAt()).isEqualTo(Instant.parse("2026-01-15T10:30:00.123456Z"));
        assertThat(event.correlationId()).isEqualTo("c-1");
        assertThat(event.causationId()).isEqualTo("m-1");
        assertThat(event.source()).isEqualTo("order-service");
        assertThat(event.key()).isNull();
    }

    @Test
    void readsJsonWithoutEnvelopeByPropertiesAndHeaders() {
        Map<String, Object> headers = Map.of("x-causation-id", text("m-1"), "x-key", text("k-1"));
        ReceivedEvent event = read(properties("application/json", headers), "{ \"n\": 1.0 }");
        assertThat(event.data()).isEqualTo("{ \"n\": 1.0 }".getBytes(StandardCharsets.UTF_8));
        assertThat(event.id()).isEqualTo("e-1");
        assertThat(event.type()).isEqualTo("order.created");
        assertThat(event.version()).isEqualTo("1.0");
        assertThat(event.correlationId()).isEqualTo("c-property");
        assertThat(event.causationId()).isEqualTo("m-1");
        assertThat(event.source()).isEqualTo("order-service");
        assertThat(event.key()).isEqualTo("k-1");
    }

    @Test
    void namesThePropertyThatContentWithoutEnvelopeLacks() {
        AMQP.BasicProperties complete = properties("application/json", Map.of());
        assertThatThrownBy(() -> read(complete.builder().messageId(null).build(), "{\"n\":1}"))
                .isInstanceOf(MalformedEventException.class)
                .hasMessageContaining("property message-id is missing");
        assertThatThrownBy(() -> read(complete.builder().type(null).build(), "{\"n\":1}"))
                .isInstanceOf(MalformedEventException.class)
                .hasMessageContaining("property type is missing");
    }

    @ParameterizedTest
    @ValueSource(strings = {"cloudEvents:", "cloudEvents_"})
    void readsACloudEventInBinaryMode(String prefix) {
        Instant time = Instant.parse("2026-01-15T10:30:00Z");
        Map<String, Object> headers = new HashMap<>(Map.of(
                prefix + "specversion", text("1.0"),
                prefix + "id", text("ce-1"),
                prefix + "type", text("order.paid"),
                prefix + "source", text("/payments"),
                prefix + "time", Date.from(time),
                prefix + "subject", text("o-1")));
        AMQP.BasicProperties properties = new AMQP.BasicProperties.Builder()
                .messageId("message")
                .contentType("text/plain")
                .headers(headers)
                .build();
        ReceivedEvent event = read(properties, "paid");
        assertThat(event.id()).isEqualTo("ce-1");
        assertThat(event.type()).isEqualTo("order.paid");
        assertThat(event.version()).isEqualTo("1.0");
        assertThat(event.source()).isEqualTo("/payments");
        assertThat(event.occurredAt()).isEqualTo(time);
        assertThat(event.data()).isEqualTo("paid".getBytes(StandardCharsets.UTF_8));
        assertThat(event.headers()).containsEntry(prefix + "subject", "o-1").containsEntry("ce_subject", "o-1");

        headers.remove(prefix + "time");
        Instant published = Instant.parse("2026-01-15T10:31:00Z");
        AMQP.BasicProperties timed = properties
                .builder()
                .headers(headers)
                .timestamp(Date.from(published))
                .build();
        assertThat(read(timed, "paid").occurredAt()).isEqualTo(published);
    }

    @Test
    void takesContentOfNoBytesForContent() {
        ReceivedEvent event = read(properties("application/protobuf", Map.of()), new byte[0]);
        assertThat(event.data()).isEmpty();
        assertThat(event.isTombstone()).isFalse();
    }

    @Test
    void readsATombstoneByItsMark() {
        Map<String, Object> headers = Map.of("x-tombstone", true, "x-key", text("k-1"));
        ReceivedEvent event = read(properties("application/json", headers), new byte[0]);
        assertThat(event.isTombstone()).isTrue();
        assertThat(event.key()).isEqualTo("k-1");
    }

    @Test
    void refusesATombstoneWithContentAndNoContentWithoutTheMark() {
        assertThatThrownBy(() -> read(properties("application/json", Map.of("x-tombstone", true)), ENVELOPE))
                .isInstanceOf(MalformedEventException.class)
                .hasMessageContaining("orders:order.created>inventory#e-1")
                .hasMessageContaining("tombstone");
        assertThatThrownBy(() -> read(properties("application/json", Map.of()), new byte[0]))
                .isInstanceOf(MalformedEventException.class);
    }

    @Test
    void givesAllHeadersAsTextAndTheCommonOnesUnderTheNamesOfKafkaToo() {
        Map<String, Object> headers = new HashMap<>(
                Map.of("x-sequence", 41L, "x-retry-count", 0, "traceparent", text("00-ü"), "bytes", new byte[] {'b'}));
        headers.put("nothing", null);
        ReceivedEvent event = read(properties("application/json", headers), ENVELOPE);
        assertThat(event.headers())
                .containsEntry("x-sequence", "41")
                .containsEntry("sequence", "41")
                .containsEntry("x-retry-count", "0")
                .containsEntry("traceparent", "00-ü")
                .containsEntry("bytes", "b")
                .containsEntry("event-id", "e-1")
                .containsEntry("event-type", "order.created")
                .containsEntry("event-version", "1.0")
                .containsEntry("source-service", "order-service")
                .containsEntry("correlation-id", "c-property")
                .containsEntry("content-type", "application/json")
                .doesNotContainKeys("nothing", "causation-id");
    }

    private static ReceivedEvent read(AMQP.BasicProperties properties, String body) {
        return read(properties, body.getBytes(StandardCharsets.UTF_8));
    }

    private static ReceivedEvent read(AMQP.BasicProperties properties, byte[] body) {
        return RabbitEvents.read(origin(properties), delivery(properties, body));
    }

    private static Origin origin(AMQP.BasicProperties properties) {
        return RabbitEvents.origin("inventory", delivery(properties, new byte[0]));
    }

    private static Delivery delivery(AMQP.BasicProperties properties, byte[] body) {
        return new Delivery(new Envelope(1, false, "orders", "order.created"), properties, body);
    }

    /** As the relay makes them, with these headers beside those that every message has. */
    private static AMQP.BasicProperties properties(String contentType, Map<String, Object> headers) {
        Map<String, Object> all = new HashMap<>(Map.of(
                "x-event-version", text("1.0"),
                "x-source-service", text("order-service"),
                "x-occurred-at", text("2026-01-15T10:30:00.123456Z")));
        all.putAll(headers);
        return new AMQP.BasicProperties.Builder()
                .messageId("e-1")
                .type("order.created")
                .contentType(contentType)
                .correlationId("c-property")
                .appId("order-service")
                .deliveryMode(2)
                .headers(all)
                .build();
    }

    /** What the client makes of a text header that came over the wire. */
    private static Object text(String text) {
        return LongStringHelper.asLongString(text);
    }
}
