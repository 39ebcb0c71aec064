package dev.outbox.consumer.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Delivery;
import dev.outbox.consumer.EventReader;
import dev.outbox.consumer.MalformedEventException;
import dev.outbox.consumer.Origin;
import dev.outbox.consumer.ReceivedEvent;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads events from messages. What the relay's properties and headers say is also given under the names that it has in a
 * Kafka record, so that a handler need not know the broker: {@code x-sequence} as {@code sequence} too, and so on.
 */
final class RabbitEvents {

    private static final String KEY = "x-key";
    private static final String TOMBSTONE = "x-tombstone";

    private RabbitEvents() {}

    static Origin origin(String queue, Delivery delivery) {
        return new Origin.RabbitMq(
                queue,
                delivery.getEnvelope().getExchange(),
                delivery.getEnvelope().getRoutingKey(),
                delivery.getProperties().getMessageId());
    }

    /** @throws MalformedEventException if it is not an event */
    static ReceivedEvent read(Origin origin, Delivery delivery) {
        Map<String, String> headers = headers(delivery.getProperties());
        byte[] body = delivery.getBody();
        boolean tombstone = Boolean.parseBoolean(headers.get(TOMBSTONE));
        if (tombstone && body.length > 0) {
            throw new MalformedEventException(origin, "it is marked as a tombstone and has content");
        }
        String key = headers.get(KEY);
        return EventReader.read(
                origin, key == null ? null : key.getBytes(StandardCharsets.UTF_8), tombstone ? null : body, headers);
    }

    private static Map<String, String> headers(AMQP.BasicProperties properties) {
        Map<String, String> headers = new LinkedHashMap<>();
        if (properties.getHeaders() != null) {
            properties.getHeaders().forEach((name, value) -> put(headers, name, value));
        }
        put(headers, "event-id", properties.getMessageId());
        put(headers, "event-type", properties.getType());
        put(headers, "event-version", headers.get("x-event-version"));
        put(headers, "occurred-at", headers.get("x-occurred-at"));
        put(headers, "sequence", headers.get("x-sequence"));
        put(headers, "correlation-id", headers.getOrDefault("x-correlation-id", properties.getCorrelationId()));
        put(headers, "causation-id", headers.get("x-causation-id"));
        put(headers, "source-service", headers.getOrDefault("x-source-service", properties.getAppId()));
        put(headers, "content-type", properties.getContentType());
        return headers;
    }

    /** Long strings, numbers and the like as their text; what is absent is left out. */
    private static void put(Map<String, String> headers, String name, @Nullable Object value) {
        if (value instanceof byte[] bytes) {
            headers.put(name, new String(bytes, StandardCharsets.UTF_8));
        } else if (value != null) {
            headers.put(name, value.toString());
        }
    }
}
