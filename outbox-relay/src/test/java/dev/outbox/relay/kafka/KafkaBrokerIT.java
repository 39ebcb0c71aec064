package dev.outbox.relay.kafka;

import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.BrokerContract;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TopicReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OutboxServers.class)
class KafkaBrokerIT extends BrokerContract {

    private final KafkaServer kafka;

    KafkaBrokerIT(KafkaServer kafka) {
        this.kafka = kafka;
    }

    @Override
    protected Broker broker(Envelope.Format format) {
        return KafkaBroker.of(kafka.bootstrapServers(), Map.of("max.request.size", String.valueOf(SIZE_MAX)), format);
    }

    @Override
    protected Broker unreachable() {
        return KafkaBroker.of("127.0.0.1:1", Map.of("max.block.ms", "500"), Envelope.Format.JSON);
    }

    @Override
    protected String newTopic() {
        String topic = KafkaServer.uniqueTopic("contract");
        kafka.createTopic(topic, 1, Map.of());
        return topic;
    }

    @Override
    protected List<Received> receive(String topic, int count) {
        try (TopicReader reader = TopicReader.of(kafka, topic)) {
            return reader.await(count).stream().map(KafkaBrokerIT::received).toList();
        }
    }

    private static Received received(ConsumerRecord<byte[], byte[]> record) {
        Map<String, String> headers = new HashMap<>();
        record.headers().forEach(header -> headers.put(header.key(), text(header.value())));
        return new Received(record.key() == null ? null : text(record.key()), record.value(), headers);
    }

    private static String text(byte[] utf8) {
        return new String(utf8, StandardCharsets.UTF_8);
    }
}
