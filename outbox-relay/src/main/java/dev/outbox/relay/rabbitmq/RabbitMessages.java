package dev.outbox.relay.rabbitmq;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.impl.LongStringHelper;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.broker.Message;
import dev.outbox.relay.broker.MessageHeaders;
import java.nio.charset.StandardCharsets;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes AMQP messages: the envelope as the body, and what it says in properties and headers too. Used by one thread.
 *
 * <p>Properties: message id, type, content type, correlation id, app id (the source), timestamp in seconds, persistent.
 * Headers: {@code x-event-version}, {@code x-correlation-id}, {@code x-causation-id}, {@code x-source-service}, {@code
 * x-occurred-at}, {@code x-sequence}, {@code x-retry-count}, {@code x-key} where there is a key, {@code x-tombstone} where
 * there is no content, and the message's own under their names.
 */
final class RabbitMessages {

    static final String SEQUENCE = "x-sequence";

    private static final Set<String> OWN = Set.of(
            "x-event-version",
            "x-correlation-id",
            "x-causation-id",
            "x-source-service",
            "x-occurred-at",
            SEQUENCE,
            "x-retry-count",
            "x-key",
            "x-tombstone",
            "x-replay-id");

    /** RabbitMQ takes these for further routing keys, and closes the channel if they are text. */
    private static final Set<String> ROUTING = Set.of("CC", "BCC");

    private static final int NAME_BYTES_MAX = 255;
    private static final Integer PERSISTENT = 2;
    private static final Integer NO_RETRY = 0;
    private static final byte[] NO_BODY = new byte[0];

    private final Envelope envelope;

    RabbitMessages(Envelope envelope) {
        this.envelope = envelope;
    }

    /** What is published. */
    @SuppressWarnings("ArrayRecordComponent") // handed on to the client as it is
    record Content(BasicProperties properties, byte[] body) {}

    /** @throws IllegalArgumentException if the message cannot be an AMQP message */
    @SuppressWarnings("JavaUtilDate") // the client's own type
    Content content(Message message, String type, String source) {
        MessageHeaders custom = MessageHeaders.of(message);
        byte[] occurredAt = MessageHeaders.timestamp(message);
        Map<String, Object> headers = new HashMap<>(16);
        for (MessageHeaders.Entry entry : custom.entries()) {
            requireHeader(message, entry.name());
            if (!OWN.contains(entry.name())) {
                headers.put(entry.name(), LongStringHelper.asLongString(entry.value()));
            }
        }
        putText(headers, "x-event-version", message.version());
        putText(headers, "x-correlation-id", message.correlationId());
        putText(headers, "x-causation-id", message.causationId());
        putText(headers, "x-source-service", message.source());
        putText(headers, "x-occurred-at", occurredAt);
        putText(headers, "x-key", message.key());
        headers.put(SEQUENCE, message.seq());
        headers.put("x-retry-count", NO_RETRY);
        if (message.replayId() != null) {
            headers.put("x-replay-id", message.replayId());
        }
        byte[] body = envelope.value(message, custom, occurredAt);
        if (message.tombstone()) {
            headers.put("x-tombstone", true);
        }
        long millis = Math.floorDiv(message.occurredAtMicros(), 1000);
        BasicProperties properties = new BasicProperties.Builder()
                .messageId(message.idText())
                .type(type)
                .contentType(text(message.contentType()))
                .correlationId(message.correlationId() == null ? null : text(message.correlationId()))
                .appId(source)
                // AMQP counts seconds from 1970 on; what is earlier stands in the header alone.
                .timestamp(millis < 0 ? null : new Date(millis))
                .deliveryMode(PERSISTENT)
                .headers(headers)
                .build();
        return new Content(properties, body == null ? NO_BODY : body);
    }

    private static void requireHeader(Message message, String name) {
        if (ROUTING.contains(name)) {
            throw new IllegalArgumentException("Header cannot be sent to RabbitMQ, which routes by it: seq="
                    + message.seq() + ", name=" + name + "; give it another name");
        }
        if (name.length() > NAME_BYTES_MAX / 4 && name.getBytes(StandardCharsets.UTF_8).length > NAME_BYTES_MAX) {
            throw new IllegalArgumentException("Header's name is too long for AMQP: seq=" + message.seq()
                    + ", mostBytes=" + NAME_BYTES_MAX + "; give it a shorter one");
        }
    }

    private static void putText(Map<String, Object> headers, String name, byte @Nullable [] utf8) {
        if (utf8 != null) {
            headers.put(name, LongStringHelper.asLongString(utf8));
        }
    }

    static String text(byte[] utf8) {
        return new String(utf8, StandardCharsets.UTF_8);
    }
}
