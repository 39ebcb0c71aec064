package dev.outbox.testkit.history;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * Reads a record of the relay: id and number from the headers, the payload from the {@code json} envelope or, without
 * one, the value as it is.
 */
final class KafkaDelivery {

    static Delivery of(ConsumerRecord<byte[], byte[]> record, Instant at) {
        return new Delivery(
                Wire.id(header(record, "event-id"), record.topic() + '/' + record.partition() + '/' + record.offset()),
                record.topic(),
                record.key() == null ? null : new String(record.key(), StandardCharsets.UTF_8),
                record.value() == null ? Digest.NONE : Wire.digest(record.value()),
                record.partition(),
                record.offset(),
                Wire.seq(header(record, "sequence")),
                at);
    }

    private static @Nullable String header(ConsumerRecord<byte[], byte[]> record, String name) {
        Header header = record.headers().lastHeader(name);
        return header == null || header.value() == null ? null : new String(header.value(), StandardCharsets.UTF_8);
    }

    private KafkaDelivery() {}
}
