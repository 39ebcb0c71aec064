package dev.outbox.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;

class KafkaServerIT {

    private static final KafkaOptions NATIVE = KafkaOptions.defaults().asNativeOnly();
    private static final Duration TIMEOUT = Duration.ofMinutes(3);

    @Test
    void acknowledgedRecordsSurviveAKill() throws Exception {
        try (KafkaServer server = KafkaServer.start(NATIVE)) {
            String topic = KafkaServer.uniqueTopic("orders");
            server.createTopic(topic, 3, Map.of("max.message.bytes", "2000000"));
            try (KafkaProducer<String, String> producer = producer(server)) {
                send(producer, topic, 1, 100);
                long before = server.pid();
                server.kill();
                assertThat(server.isRunning()).isFalse();
                assertThat(Signals.isRunning(before)).isFalse();
                server.restart();
                send(producer, topic, 101, 200);
            }
            assertThat(consume(server.bootstrapServers(), topic, 200))
                    .hasSize(200)
                    .doesNotHaveDuplicates();
            server.deleteTopic(topic);
        }
    }

    @Test
    void stopsInOrderAndStartsAgain() throws Exception {
        try (KafkaServer server = KafkaServer.start(NATIVE.withPartitions(2))) {
            try (KafkaProducer<String, String> producer = producer(server)) {
                send(producer, "made-at-first-use", 1, 10);
                assertThat(producer.partitionsFor("made-at-first-use")).hasSize(2);
            }
            server.stop();
            server.restart();
            assertThat(consume(server.bootstrapServers(), "made-at-first-use", 10))
                    .hasSize(10);
        }
    }

    @Test
    void aSuspendedServerAnswersOnceResumed() throws Exception {
        try (KafkaServer server = KafkaServer.start(NATIVE);
                KafkaProducer<String, String> producer = producer(server)) {
            send(producer, "t", 1, 1);
            server.suspend();
            Future<RecordMetadata> held = producer.send(new ProducerRecord<>("t", "k", "2"));
            assertThat(KafkaAdmin.answers(server.bootstrapServers())).isFalse();
            assertThat(held).isNotDone();
            server.resume();
            assertThat(held.get(TIMEOUT.toSeconds(), TimeUnit.SECONDS).offset()).isEqualTo(1);
        }
    }

    @Test
    void clientsGoThroughAProxyOnTheAdvertisedPort() throws Exception {
        int port = Ports.free();
        try (TcpProxy proxy = TcpProxy.to("127.0.0.1", port);
                KafkaServer server = KafkaServer.start(NATIVE.withPort(port).withAdvertisedPort(proxy.port()));
                KafkaProducer<String, String> producer = producer(server)) {
            send(producer, "t", 1, 1);
            assertThat(proxy.connections()).isPositive();
            proxy.blackHole(TcpProxy.Direction.TO_CLIENT);
            Future<RecordMetadata> unacknowledged = producer.send(new ProducerRecord<>("t", "k", "2"));
            // The record arrives although its acknowledgement does not.
            assertThat(consume(server.directServers(), "t", 2)).containsExactly("1", "2");
            assertThat(unacknowledged).isNotDone();
            proxy.resume();
            assertThat(unacknowledged.get(TIMEOUT.toSeconds(), TimeUnit.SECONDS).offset())
                    .isEqualTo(1);
        }
    }

    @Test
    void twoServersStartAtTheSameTime() {
        CompletableFuture<KafkaServer> first = CompletableFuture.supplyAsync(() -> KafkaServer.start(NATIVE));
        try (KafkaServer second = KafkaServer.start(NATIVE);
                KafkaServer other = first.join()) {
            for (KafkaServer server : List.of(second, other)) {
                Await.until("an answer", TIMEOUT, () -> KafkaAdmin.answers(server.bootstrapServers()));
            }
        }
    }

    @Test
    void anExternalServerIsUsedButNotTouched() {
        try (KafkaServer server = KafkaServer.start(NATIVE)) {
            System.setProperty("OUTBOX_TEST_KAFKA", server.bootstrapServers());
            try (KafkaServer external = KafkaServer.start()) {
                String topic = KafkaServer.uniqueTopic("orders");
                external.createTopic(topic, 1, Map.of());
                assertThatThrownBy(external::kill)
                        .isInstanceOf(UnsupportedOperationException.class)
                        .hasMessageContaining("OUTBOX_TEST_KAFKA");
            } finally {
                System.clearProperty("OUTBOX_TEST_KAFKA");
            }
            assertThat(server.isRunning()).isTrue();
        }
    }

    private static KafkaProducer<String, String> producer(KafkaServer server) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", server.bootstrapServers());
        properties.put("acks", "all");
        return new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
    }

    private static void send(KafkaProducer<String, String> producer, String topic, int first, int last)
            throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (int i = first; i <= last; i++) {
            sent.add(producer.send(new ProducerRecord<>(topic, "key-" + i, Integer.toString(i))));
        }
        for (Future<RecordMetadata> record : sent) {
            record.get(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
        }
    }

    private static List<String> consume(String servers, String topic, int count) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", servers);
        properties.put("group.id", "reader");
        properties.put("auto.offset.reset", "earliest");
        List<String> values = new ArrayList<>();
        long deadline = System.nanoTime() + TIMEOUT.toNanos();
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            while (values.size() < count && System.nanoTime() < deadline) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    values.add(record.value());
                }
            }
        }
        return values;
    }
}
