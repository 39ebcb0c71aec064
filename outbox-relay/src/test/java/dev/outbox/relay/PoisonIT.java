package dev.outbox.relay;

import static dev.outbox.relay.Patience.await;
import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.kafka.KafkaBroker;
import dev.outbox.relay.rabbitmq.RabbitBroker;
import dev.outbox.relay.rabbitmq.RabbitRoutes;
import dev.outbox.relay.rabbitmq.RabbitSettings;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.QueueReader;
import dev.outbox.testkit.RabbitServer;
import dev.outbox.testkit.RabbitVirtualHost;
import dev.outbox.testkit.TestDatabase;
import dev.outbox.testkit.TopicReader;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * One message of 20,000 over 500 keys is refused for what it is: those of its key wait behind it, in order, all others flow. Each
 * message is its number; the keys take turns.
 */
@ExtendWith(OutboxServers.class)
class PoisonIT {

    private static final int MESSAGES = 20_000;
    private static final int KEYS = 500;

    /** The tenth of the key k0. */
    private static final int POISON = 10 * KEYS;

    private static final int OF_THE_KEY = MESSAGES / KEYS;

    private final RelayFixture fixture;
    private final KafkaServer kafka;
    private final RabbitVirtualHost virtualHost;

    PoisonIT(TestDatabase database, KafkaServer kafka, RabbitVirtualHost virtualHost) {
        this.fixture = new RelayFixture(database, kafka);
        this.kafka = kafka;
        this.virtualHost = virtualHost;
    }

    @BeforeEach
    void emptyOutbox() throws SQLException {
        fixture.reset();
    }

    private long ask(String sql) throws SQLException {
        try (java.sql.Connection connection = fixture.connect()) {
            return number(connection, sql);
        }
    }

    private void execute(String sql) throws SQLException {
        try (java.sql.Connection connection = fixture.connect();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** The poison is other than its neighbours by its type and its payload, which is an SQL expression. */
    private void append(String topic, String poisonType, String poisonPayload) throws SQLException {
        execute("INSERT INTO message (topic, key, type, source, payload) SELECT '" + topic + "', 'k' || n % " + KEYS
                + ", CASE n WHEN " + POISON + " THEN '" + poisonType + "' ELSE 'a.b' END, 'test', CASE n WHEN " + POISON
                + " THEN " + poisonPayload + " ELSE n::text::json END FROM generate_series(1, " + MESSAGES + ") n");
    }

    private Relay relay(Broker broker) {
        ChannelSettings.Parking quick = ChannelSettings.Parking.defaults().withAttempts(3, Duration.ofMillis(20));
        return Relay.start(
                fixture.database(),
                RelayFixture.UNHURRIED,
                Map.of(ChannelSettings.of("default").withParking(quick), broker),
                new LoggingListener());
    }

    private void awaitDeadAndHeld() {
        await().until(() -> ask("SELECT count(*) FROM pending") == 0);
        await().until(() -> ask("SELECT count(*) FROM parked WHERE state = 'DEAD' AND seq = " + POISON) == 1);
    }

    private void operate(String function) throws SQLException {
        assertThat(ask("SELECT changed FROM " + function + "(ids => (SELECT array_agg(id) FROM message WHERE seq = "
                        + POISON + "), reason => 'mended')"))
                .isEqualTo(1);
        await().until(() -> ask("SELECT count(*) FROM parked WHERE resolved_at IS NULL") == 0);
    }

    /** All numbers of other keys came once and in order; gives those of the key with the poison. */
    private static List<Integer> ofTheKey(List<Integer> numbers) {
        Map<Integer, List<Integer>> keys = new HashMap<>();
        numbers.forEach(
                n -> keys.computeIfAbsent(n % KEYS, key -> new ArrayList<>()).add(n));
        for (int key = 1; key < KEYS; key++) {
            int first = key;
            assertThat(keys.get(key))
                    .as("key k" + key)
                    .isEqualTo(IntStream.range(0, OF_THE_KEY)
                            .mapToObj(n -> first + n * KEYS)
                            .toList());
        }
        return keys.getOrDefault(0, List.of());
    }

    /** Those of the key that could not be stopped any more when the poison was refused went out; the others wait, in order. */
    private static void assertHeld(List<Integer> numbers, long held) {
        List<Integer> went = ofTheKey(numbers);
        assertThat(went).doesNotContain(POISON).isSorted().doesNotHaveDuplicates();
        assertThat(went).hasSize(OF_THE_KEY - 1 - (int) held);
        assertThat(held).isPositive();
    }

    private static void assertFollowed(List<Integer> numbers, long held, boolean poison) {
        List<Integer> came = ofTheKey(numbers);
        List<Integer> followers = came.subList(came.size() - (int) held, came.size());
        assertThat(followers).isSorted();
        assertThat(came).doesNotHaveDuplicates().hasSize(OF_THE_KEY - (poison ? 0 : 1));
        if (poison) {
            assertThat(came.get(came.size() - 1 - (int) held)).isEqualTo(POISON);
        }
    }

    private long held() throws SQLException {
        return ask("SELECT count(*) FROM parked WHERE state = 'HELD' AND held_by = " + POISON);
    }

    private Broker kafkaTaking(int bytes) {
        return KafkaBroker.of(
                kafka.bootstrapServers(), Map.of("max.request.size", String.valueOf(bytes)), Envelope.Format.JSON);
    }

    private static List<Integer> numbers(TopicReader reader, int count) {
        return numbers(() -> reader.await(count).stream()
                .map(read -> TopicReader.value(read).orElseThrow())
                .toList());
    }

    private static List<Integer> numbers(QueueReader reader, int count) {
        return numbers(() -> reader.await(count).stream().map(QueueReader::body).toList());
    }

    private static List<Integer> numbers(Supplier<List<String>> read) {
        return read.get().stream()
                .map(value -> value.contains("xxx") ? POISON : TwoTopicLoad.numberIn(value))
                .toList();
    }

    @Test
    void kafkaTakesARecordOnceItMayBeLargerAndThoseBehindItFollow() throws SQLException {
        String topic = KafkaServer.uniqueTopic("poison");
        kafka.createTopic(topic, 1, Map.of("max.message.bytes", "5000000"));
        append(topic, "a.b", "to_json(repeat('x', 2000000))");
        try (TopicReader reader = fixture.read(topic)) {
            long held;
            try (Relay relay = relay(kafkaTaking(1_000_000))) {
                awaitDeadAndHeld();
                held = held();
                assertHeld(numbers(reader, MESSAGES - 1 - (int) held), held);
                assertThat(relay.stopped()).isNotDone();
            }
            try (Relay relay = relay(kafkaTaking(5_000_000))) {
                operate("retry");
                assertFollowed(numbers(reader, MESSAGES), held, true);
                assertThat(relay.stopped()).isNotDone();
            }
        }
        assertThat(ask("SELECT count(*) FROM attempt WHERE seq = " + POISON)).isEqualTo(3);
    }

    @Test
    void rabbitPublishesThoseBehindADiscardedMessage() throws Exception {
        String topic = RabbitServer.uniqueName("poison");
        try (Connection connection = virtualHost.connectionFactory().newConnection();
                Channel channel = connection.createChannel()) {
            channel.exchangeDeclare(topic, "topic", true);
            channel.queueDeclare(topic, true, false, false, Map.of());
            channel.queueBind(topic, topic, "a.b");
        }
        append(topic, "unheard.of", "n::text::json");
        RabbitServer server = virtualHost.server();
        Broker broker = RabbitBroker.of(
                RabbitSettings.of(server.host() + ":" + server.port())
                        .withLogin(server.user(), server.password())
                        .withVirtualHost(virtualHost.name()),
                RabbitRoutes.usual(),
                Envelope.Format.JSON);
        try (QueueReader reader = QueueReader.of(virtualHost.connectionFactory(), topic);
                Relay relay = relay(broker)) {
            awaitDeadAndHeld();
            long held = held();
            assertHeld(numbers(reader, MESSAGES - 1 - (int) held), held);
            operate("discard");
            assertFollowed(numbers(reader, MESSAGES - 1), held, false);
            assertThat(ask("SELECT count(*) FROM audit WHERE operation = 'discard' AND changed = 1"))
                    .isEqualTo(1);
            assertThat(relay.stopped()).isNotDone();
        }
    }
}
