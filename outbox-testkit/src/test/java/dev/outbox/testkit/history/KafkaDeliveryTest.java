package dev.outbox.testkit.history;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class KafkaDeliveryTest {

    private static final Instant AT = Instant.parse("2026-01-15T10:30:00Z");
    private static final UUID ID = new UUID(7, 7);
    private static final String PAYLOAD = "{\"name\": \"Zoë\", \"data\":{\"x\":1}}";

    @Test
    void thePayloadIsFoundInsideTheEnvelope() {
        String envelope = "{\"eventId\":\"" + ID + "\",\"eventType\":\"tricky\\\",\\\"data\\\":\",\"source\":"
                + "{\"service\":\"s\"},\"data\":" + PAYLOAD + "}";

        Delivery delivery = KafkaDelivery.of(record(bytes(envelope), ID.toString(), "12"), AT);

        assertThat(delivery).isEqualTo(new Delivery(ID, "orders", "k", Digest.of(bytes(PAYLOAD)), 2, 33, 12, AT));
    }

    @Test
    void aValueWithoutEnvelopeIsThePayload() {
        Delivery delivery = KafkaDelivery.of(record(bytes(PAYLOAD), ID.toString(), null), AT);

        assertThat(delivery.digest()).isEqualTo(Digest.of(bytes(PAYLOAD)));
        assertThat(delivery.seq()).isZero();
    }

    @Test
    void aRecordThatNamesNoMessageIsADeliveryNobodyAppended() {
        Delivery nameless = KafkaDelivery.of(record(bytes(PAYLOAD), null, "no number"), AT);
        Delivery misnamed = KafkaDelivery.of(record(bytes(PAYLOAD), "not an id", null), AT);
        Delivery tombstone = KafkaDelivery.of(record(null, ID.toString(), null), AT);

        assertThat(nameless.id()).isNotEqualTo(ID).isNotEqualTo(misnamed.id());
        assertThat(tombstone.digest()).isEqualTo(Digest.NONE);
    }

    private static ConsumerRecord<byte[], byte[]> record(
            byte @Nullable [] value, @Nullable String id, @Nullable String seq) {
        ConsumerRecord<byte[], byte[]> record = new ConsumerRecord<>("orders", 2, 33, bytes("k"), value);
        if (id != null) {
            record.headers().add("event-id", bytes(id));
        }
        if (seq != null) {
            record.headers().add("sequence", bytes(seq));
        }
        return record;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
