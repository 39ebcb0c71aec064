package dev.outbox.testkit.history;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * Reads a record of the relay: id and number from the headers, the payload from the {@code json} envelope or, without
 * one, the value as it is.
 */
final class KafkaDelivery {

    private static final byte[] DATA = ",\"data\":".getBytes(StandardCharsets.UTF_8);
    private static final byte[] ENVELOPE = "{\"eventId\":".getBytes(StandardCharsets.UTF_8);

    static Delivery of(ConsumerRecord<byte[], byte[]> record, Instant at) {
        return new Delivery(
                id(record),
                record.topic(),
                record.key() == null ? null : new String(record.key(), StandardCharsets.UTF_8),
                record.value() == null ? Digest.NONE : digest(record.value()),
                record.partition(),
                record.offset(),
                seq(record),
                at);
    }

    /** A record that names no message gets an id of its own place, and so becomes a phantom. */
    private static UUID id(ConsumerRecord<byte[], byte[]> record) {
        String id = header(record, "event-id");
        try {
            if (id != null) {
                return UUID.fromString(id);
            }
        } catch (IllegalArgumentException e) {
            // Falls through: a text that is no id names no message either.
        }
        String place = record.topic() + '/' + record.partition() + '/' + record.offset() + '/' + id;
        return UUID.nameUUIDFromBytes(place.getBytes(StandardCharsets.UTF_8));
    }

    private static long seq(ConsumerRecord<byte[], byte[]> record) {
        String seq = header(record, "sequence");
        return seq != null && seq.matches("\\d{1,18}") ? Long.parseLong(seq) : 0;
    }

    private static @Nullable String header(ConsumerRecord<byte[], byte[]> record, String name) {
        Header header = record.headers().lastHeader(name);
        return header == null || header.value() == null ? null : new String(header.value(), StandardCharsets.UTF_8);
    }

    /** The envelope is put together from bytes, data last; inside the strings before it a quote would be escaped. */
    private static long digest(byte[] value) {
        int data = startsWith(value, 0, ENVELOPE) ? indexOf(value, DATA) : -1;
        if (data < 0) {
            return Digest.of(value);
        }
        int from = data + DATA.length;
        return Digest.of(value, from, value.length - 1 - from);
    }

    private static int indexOf(byte[] value, byte[] part) {
        for (int i = 0; i + part.length < value.length; i++) {
            if (startsWith(value, i, part)) {
                return i;
            }
        }
        return -1;
    }

    private static boolean startsWith(byte[] value, int from, byte[] part) {
        if (value.length - from < part.length) {
            return false;
        }
        for (int i = 0; i < part.length; i++) {
            if (value[from + i] != part[i]) {
                return false;
            }
        }
        return true;
    }

    private KafkaDelivery() {}
}
