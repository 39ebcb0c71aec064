package dev.outbox.relay.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outbox.relay.broker.BrokerSession;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KafkaBrokerTest {

    private static final BrokerSession.Delivery IGNORED = new BrokerSession.Delivery() {
        @Override
        public void accepted(String destination, long offset) {}

        @Override
        public void failed(Failure failure) {}
    };

    @Test
    void aKafkaThatIsNotThereIsAnOutageAndNotAMissingTopic() {
        KafkaBroker nobody = KafkaBroker.of("127.0.0.1:1", Map.of("max.block.ms", "500"), Envelope.Format.JSON);
        try (BrokerSession session = nobody.open()) {
            assertThat(session.send(message(), IGNORED).orElseThrow().kind()).isEqualTo(Failure.Kind.OUTAGE);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "acks, 1",
        "enable.idempotence, false",
        "delivery.timeout.ms, 1000",
        "transactional.id, t",
        "max.in.flight.requests.per.connection, 6",
        "compression.type, zip"
    })
    void aPropertyThatBreaksThePromisesIsRefusedByName(String name, String value) {
        assertThatThrownBy(() -> KafkaBroker.of("127.0.0.1:1", Map.of(name, value), Envelope.Format.JSON))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(name);
    }

    private static Message message() {
        return new Message(
                1,
                bytes("01939c6e-8c5a-7b3c-9d2e-0123456789ab"),
                "orders",
                bytes("k"),
                bytes("a.b"),
                bytes("1.0"),
                0,
                null,
                null,
                bytes("test"),
                null,
                bytes("1"),
                null,
                bytes("application/json"),
                null);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
