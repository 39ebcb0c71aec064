package dev.outbox.testkit.history;

import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads a message of the relay: the id from the properties, key and number from the headers, the topic from the
 * exchange, the payload from the {@code json} envelope or, without one, the body as it is.
 */
final class RabbitDelivery {

    static Delivery of(com.rabbitmq.client.Delivery message, long place, Instant at) {
        String exchange = message.getEnvelope().getExchange();
        return new Delivery(
                Wire.id(message.getProperties().getMessageId(), exchange + '/' + place),
                exchange,
                header(message, "x-key"),
                message.getBody().length == 0 ? Digest.NONE : Wire.digest(message.getBody()),
                0,
                place,
                Wire.seq(header(message, "x-sequence")),
                at);
    }

    private static @Nullable String header(com.rabbitmq.client.Delivery message, String name) {
        @Nullable Map<String, Object> headers = message.getProperties().getHeaders();
        @Nullable Object value = headers == null ? null : headers.get(name);
        return value == null ? null : value.toString();
    }

    private RabbitDelivery() {}
}
