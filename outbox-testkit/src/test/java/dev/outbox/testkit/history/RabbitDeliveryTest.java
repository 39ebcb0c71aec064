package dev.outbox.testkit.history;

import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.impl.LongStringHelper;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RabbitDeliveryTest {

    private static final Instant AT = Instant.parse("2026-01-15T10:30:00Z");
    private static final UUID ID = new UUID(7, 7);
    private static final String PAYLOAD = "{\"name\": \"Zoë\", \"data\":{\"x\":1}}";

    @Test
    void idKeyNumberAndPayloadAreFound() {
        String envelope = "{\"eventId\":\"" + ID + "\",\"eventType\":\"tricky\\\",\\\"data\\\":\",\"source\":"
                + "{\"service\":\"s\"},\"data\":" + PAYLOAD + "}";
        Map<String, Object> headers = Map.of(
                "x-key", LongStringHelper.asLongString("Zoë's"), "x-sequence", LongStringHelper.asLongString("12"));

        Delivery delivery = RabbitDelivery.of(message(ID.toString(), headers, envelope), 33, AT);

        assertThat(delivery).isEqualTo(new Delivery(ID, "orders", "Zoë's", Digest.of(bytes(PAYLOAD)), 0, 33, 12, AT));
    }

    @Test
    void aBodyWithoutEnvelopeIsThePayload() {
        Delivery delivery = RabbitDelivery.of(message(ID.toString(), Map.of("x-sequence", 12L), PAYLOAD), 0, AT);

        assertThat(delivery.digest()).isEqualTo(Digest.of(bytes(PAYLOAD)));
        assertThat(delivery.key()).isNull();
        assertThat(delivery.seq()).isEqualTo(12);
    }

    @Test
    void aMessageThatNamesNoneIsADeliveryNobodyAppended() {
        Delivery nameless = RabbitDelivery.of(message(null, null, PAYLOAD), 0, AT);
        Delivery another = RabbitDelivery.of(message(null, new HashMap<>(), PAYLOAD), 1, AT);
        Delivery misnamed = RabbitDelivery.of(message("not an id", null, ""), 0, AT);

        assertThat(nameless.id()).isNotEqualTo(another.id()).isNotEqualTo(misnamed.id());
        assertThat(misnamed.digest()).isEqualTo(Digest.NONE);
    }

    private static com.rabbitmq.client.Delivery message(
            @Nullable String id, @Nullable Map<String, Object> headers, String body) {
        return new com.rabbitmq.client.Delivery(
                new Envelope(1, false, "orders", "order.created"),
                new AMQP.BasicProperties.Builder()
                        .messageId(id)
                        .headers(headers)
                        .build(),
                bytes(body));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
