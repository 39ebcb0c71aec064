package dev.outbox.relay.broker;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Builds what a message's record holds: by default the JSON envelope, made of the message's bytes without parsing the
 * payload.
 *
 * <pre>{@code
 * {"eventId":"…","eventType":"order.created","eventVersion":"1.0","occurredAt":"2026-01-15T10:30:00.123456Z",
 *  "correlationId":"…","causationId":"…","source":{"service":"order-service","instance":"…","environment":"…"},"data":{…}}
 * }</pre>
 *
 * <p>What is absent in the message is absent in the envelope. Content that is not JSON goes out as it is, described by the
 * record's headers alone; a tombstone has no value. Not safe for use by several threads: the buffer is used again.
 */
public final class Envelope {

    /** How a channel's messages are wrapped. */
    public enum Format {
        /** The JSON envelope. */
        JSON,
        /** The content alone; what the envelope would say is in the headers. */
        NONE
    }

    private static final byte[] EVENT_ID = ascii("{\"eventId\":\"");
    private static final byte[] EVENT_TYPE = ascii("\",\"eventType\":");
    private static final byte[] EVENT_VERSION = ascii(",\"eventVersion\":");
    private static final byte[] OCCURRED_AT = ascii(",\"occurredAt\":\"");
    private static final byte[] CORRELATION_ID = ascii(",\"correlationId\":");
    private static final byte[] CAUSATION_ID = ascii(",\"causationId\":");
    private static final byte[] SOURCE = ascii(",\"source\":{\"service\":");
    private static final byte[] INSTANCE = ascii(",\"instance\":");
    private static final byte[] ENVIRONMENT = ascii(",\"environment\":");
    private static final byte[] DATA = ascii("},\"data\":");
    private static final byte[] HEX = ascii("0123456789abcdef");

    private final Format format;
    private byte[] buffer = new byte[1024];
    private int length;

    /** A builder for one format. */
    public Envelope(Format format) {
        this.format = format;
    }

    /**
     * The record's value, or null for a tombstone.
     *
     * @param headers the message's own headers; {@code instance} and {@code environment} become part of the source
     * @param occurredAt the time as text, as {@link MessageHeaders#timestamp} makes it
     */
    public byte @Nullable [] value(Message message, MessageHeaders headers, byte[] occurredAt) {
        byte[] payload = message.payload();
        if (payload == null || format == Format.NONE) {
            return payload == null ? message.body() : payload;
        }
        length = 0;
        put(EVENT_ID);
        put(message.id());
        put(EVENT_TYPE);
        putString(message.type());
        put(EVENT_VERSION);
        putString(message.version());
        put(OCCURRED_AT);
        put(occurredAt);
        put('"');
        putMember(CORRELATION_ID, message.correlationId());
        putMember(CAUSATION_ID, message.causationId());
        put(SOURCE);
        putString(message.source());
        putMember(INSTANCE, headers.value("instance"));
        putMember(ENVIRONMENT, headers.value("environment"));
        put(DATA);
        put(payload);
        put('}');
        return Arrays.copyOf(buffer, length);
    }

    private void putMember(byte[] name, byte @Nullable [] value) {
        if (value != null) {
            put(name);
            putString(value);
        }
    }

    private void putString(byte[] utf8) {
        put('"');
        reserve(utf8.length * 6);
        for (byte b : utf8) {
            if (b == '"' || b == '\\') {
                buffer[length++] = '\\';
                buffer[length++] = b;
            } else if (b >= 0 && b < 0x20) {
                putControl(b);
            } else {
                buffer[length++] = b;
            }
        }
        put('"');
    }

    private void putControl(byte b) {
        buffer[length++] = '\\';
        buffer[length++] = 'u';
        buffer[length++] = '0';
        buffer[length++] = '0';
        buffer[length++] = HEX[b >> 4];
        buffer[length++] = HEX[b & 0xf];
    }

    private void put(byte[] bytes) {
        reserve(bytes.length);
        System.arraycopy(bytes, 0, buffer, length, bytes.length);
        length += bytes.length;
    }

    private void put(char ascii) {
        reserve(1);
        buffer[length++] = (byte) ascii;
    }

    private void reserve(int more) {
        if (buffer.length - length < more) {
            buffer = Arrays.copyOf(buffer, Math.max(buffer.length * 2, length + more));
        }
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
