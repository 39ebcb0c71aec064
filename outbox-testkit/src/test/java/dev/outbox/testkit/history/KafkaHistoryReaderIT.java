package dev.outbox.testkit.history;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.testkit.KafkaOptions;
import dev.outbox.testkit.KafkaServer;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;

class KafkaHistoryReaderIT {

    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final int KEYS = 20;

    private final History history = new History(Clock.systemUTC());
    private int appended;

    @Test
    void readsATopicMadeLaterFromItsBeginningAndAcrossABrokersDeath() throws Exception {
        String topic = KafkaServer.uniqueTopic("history");
        try (KafkaServer kafka = KafkaServer.start(KafkaOptions.defaults().asNativeOnly());
                KafkaHistoryReader reader = KafkaHistoryReader.start(kafka.bootstrapServers(), topic, history)) {
            kafka.createTopic(topic, 3, Map.of());
            produce(kafka, topic, 500);
            assertThat(history.awaitDrained(PATIENCE)).isTrue();

            kafka.kill();
            kafka.restart();
            produce(kafka, topic, 500);
            assertThat(history.awaitDrained(PATIENCE)).isTrue();

            assertThat(reader.records()).isEqualTo(1_000);
            assertThat(reader.failure()).isEmpty();
        }
        HistoryReport report = HistoryChecker.check(history).assertClean();
        assertThat(report.delivered()).isEqualTo(1_000);
        assertThat(report.duplicates()).isZero();
    }

    private void produce(KafkaServer kafka, String topic, int messages) throws Exception {
        Map<String, Object> config = Map.of("bootstrap.servers", kafka.bootstrapServers(), "linger.ms", 1);
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (int i = 0; i < messages; i++, appended++) {
                UUID id = new UUID(1, appended);
                String key = "k" + appended % KEYS;
                byte[] payload = bytes("{\"n\":" + appended + "}");
                history.appended(Append.of(id, topic, key, 1 + appended / KEYS, payload, Instant.now()));
                history.finished(Outcome.COMMITTED, List.of(id));
                ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, bytes(key), payload);
                record.headers().add("event-id", bytes(id.toString()));
                sent.add(producer.send(record));
            }
            for (Future<RecordMetadata> acknowledged : sent) {
                acknowledged.get();
            }
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
