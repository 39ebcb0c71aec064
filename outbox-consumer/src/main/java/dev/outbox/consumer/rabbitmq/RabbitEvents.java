package dev.outbox.consumer.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Delivery;
import dev.outbox.consumer.EventReader;
import dev.outbox.consumer.MalformedEventException;
import dev.outbox.consumer.Origin;
import dev.outbox.consumer.ReceivedEvent;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads events from messages. What the relay's properties and headers say is also given under the names that it has in a
 * Kafka record, so that a handler need not know the broker: {@code x-sequence} as {@code sequence} too, and so on, and the
 * attributes of CloudEvents, {@code cloudEvents:subject}, as {@code ce_subject}.
 */
final class RabbitEvents {

    private static final String KEY = "x-key";
    private static final String TOMBSTONE = "x-tombstone";

    /** What an attribute of a CloudEvent begins with: the first is for clients that take no colon; the second wins. */
    private static final List<String> CLOUD_EVENTS = List.of("cloudEvents_", "cloudEvents:");

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
                origin,
                key == null ? null : key.getBytes(StandardCharsets.UTF_8),
                tombstone ? null : body,
                headers,
                timestamp(delivery.getProperties()));
    }

    @SuppressWarnings("JavaUtilDate") // the client's own type
    private static @Nullable Instant timestamp(AMQP.BasicProperties properties) {
        Date timestamp = properties.getTimestamp();
        return timestamp == null ? null : timestamp.toInstant();
    }

    private static Map<String, String> headers(AMQP.BasicProperties properties) {
        Map<String, Object> given = properties.getHeaders() == null ? Map.of() : properties.getHeaders();
        Map<String, String> headers = new LinkedHashMap<>();
        given.forEach((name, value) -> put(headers, name, value));
        for (String prefix : CLOUD_EVENTS) {
            given.forEach((name, value) -> {
                if (name.startsWith(prefix)) {
                    put(headers, "ce_" + name.substring(prefix.length()), value);
                }
            });
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

    /** Long strings, times, numbers and the like as their text; what is absent is left out. */
    @SuppressWarnings("JavaUtilDate") // the client's own type
    private static void put(Map<String, String> headers, String name, @Nullable Object value) {
        if (value instanceof byte[] bytes) {
            headers.put(name, new String(bytes, StandardCharsets.UTF_8));
        } else if (value instanceof Date time) {
            headers.put(name, time.toInstant().toString());
        } else if (value != null) {
            headers.put(name, value.toString());
        }
    }
}
