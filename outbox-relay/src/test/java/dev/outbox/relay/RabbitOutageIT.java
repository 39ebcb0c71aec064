package dev.outbox.relay;

import static dev.outbox.relay.Patience.await;
import static dev.outbox.relay.RelayFixture.append;
import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.Delivery;
import dev.outbox.relay.ChannelSettings.Order;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import dev.outbox.relay.rabbitmq.RabbitBroker;
import dev.outbox.relay.rabbitmq.RabbitRoutes;
import dev.outbox.relay.rabbitmq.RabbitSettings;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.QueueReader;
import dev.outbox.testkit.RabbitOptions;
import dev.outbox.testkit.RabbitServer;
import dev.outbox.testkit.TcpProxy;
import dev.outbox.testkit.TestDatabase;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a relay makes of each way in which RabbitMQ does not take a message: the outcome, and that nothing is lost. */
@ExtendWith(OutboxServers.class)
class RabbitOutageIT {

    private static final int KEYS = 50;

    private static RabbitServer rabbit;
    private static TcpProxy proxy;

    private final RelayFixture fixture;
    private final Outcomes outcomes = new Outcomes();
    private final String topic = RabbitServer.uniqueName("outage");

    RabbitOutageIT(TestDatabase database) {
        fixture = new RelayFixture(database);
    }

    @BeforeAll
    static void startServers() {
        rabbit = RabbitServer.start(RabbitOptions.defaults().asNativeOnly());
        proxy = TcpProxy.to(rabbit.host(), rabbit.port());
    }

    @AfterAll
    static void closeServers() {
        proxy.close();
        rabbit.close();
    }

    @BeforeEach
    void emptyOutbox() throws SQLException {
        fixture.reset();
        proxy.resume();
    }

    /** What the relay tells. */
    private static final class Outcomes implements RelayListener {
        private final Queue<Failure> outages = new ConcurrentLinkedQueue<>();
        private final Queue<Failure> parked = new ConcurrentLinkedQueue<>();
        private final AtomicLong orderExceptions = new AtomicLong();

        @Override
        public void outage(LaneKey lane, Failure failure, Duration retryIn) {
            outages.add(failure);
        }

        @Override
        public void parked(LaneKey lane, Message message, Failure failure) {
            parked.add(failure);
        }

        @Override
        public void orderException(LaneKey lane, Message message) {
            orderExceptions.incrementAndGet();
        }

        void awaitOutage(Predicate<Failure> expected) {
            await().until(() -> outages.stream().anyMatch(expected));
        }
    }

    private static RabbitSettings settings() {
        return RabbitSettings.of("127.0.0.1:" + proxy.port()).withLogin(rabbit.user(), rabbit.password());
    }

    private Relay relay(RabbitSettings settings, Order order) {
        return Relay.start(
                fixture.database(),
                RelayFixture.QUICK,
                Map.of(
                        ChannelSettings.of("default")
                                .withPublishTimeout(Duration.ofSeconds(2))
                                .withOrder(order)
                                .withParking(RelayFixture.DEAD_AT_ONCE),
                        RabbitBroker.of(settings, RabbitRoutes.usual(), Envelope.Format.JSON)),
                outcomes);
    }

    private Relay relay() {
        return relay(settings(), Order.PIPELINED);
    }

    private static void onChannel(OnChannel work) {
        try (Connection connection = rabbit.connectionFactory().newConnection();
                Channel channel = connection.createChannel()) {
            work.run(channel);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private interface OnChannel {
        void run(Channel channel) throws Exception;
    }

    /** A topic exchange, and a queue of the same name that gets what the routing key matches. */
    private static void declare(String name, String routingKey, Map<String, Object> arguments) {
        onChannel(channel -> {
            channel.exchangeDeclare(name, "topic", true);
            channel.queueDeclare(name, true, false, false, arguments);
            channel.queueBind(name, name, routingKey);
        });
    }

    /** Appends messages 1 to n of each key, one transaction for each number. */
    private void appendRounds(String to, int from, int rounds) throws SQLException {
        try (java.sql.Connection connection = fixture.connect();
                Statement statement = connection.createStatement()) {
            for (int n = from; n < from + rounds; n++) {
                statement.execute("INSERT INTO message (topic, key, type, source, payload) SELECT '" + to
                        + "', 'k' || k, 'thing.happened', 'test', '" + n + "' FROM generate_series(1, " + KEYS + ") k");
            }
        }
    }

    private long ask(String sql) throws SQLException {
        try (java.sql.Connection connection = fixture.connect()) {
            return number(connection, sql);
        }
    }

    private void awaitDrained() {
        await().until(() -> ask("SELECT count(*) FROM pending") == 0);
    }

    /** Every key has 1 to n; the first deliveries in this order, unless it is not to be kept. Returns the duplicates. */
    private static int assertComplete(QueueReader reader, int rounds, boolean inOrder) {
        Map<String, Set<Integer>> firsts = new HashMap<>();
        int distinct = 0;
        int read = 0;
        while (distinct < KEYS * rounds || reader.poll() > 0) {
            List<Delivery> all = distinct < KEYS * rounds ? reader.await(read + 1) : reader.await(read);
            for (Delivery delivery : all.subList(read, all.size())) {
                int n = Integer.parseInt(QueueReader.body(delivery).replaceAll(".*\"data\":(\\d+)}", "$1"));
                String key = QueueReader.header(delivery, "x-key");
                distinct +=
                        firsts.computeIfAbsent(key, k -> new LinkedHashSet<>()).add(n) ? 1 : 0;
            }
            read = all.size();
        }
        assertThat(firsts).hasSize(KEYS);
        firsts.forEach((key, numbers) -> {
            assertThat(numbers).as(key).hasSize(rounds);
            if (inOrder) {
                assertThat(List.copyOf(numbers)).as(key).isSorted();
            }
        });
        return read - distinct;
    }

    /** With pipelined order the follower comes later, since what is on its way already cannot be held any more. */
    @ParameterizedTest
    @EnumSource(Order.class)
    void whatNoQueueTakesIsParkedAndHoldsItsKeyAlone(Order order) throws SQLException {
        declare(topic, "thing.#", Map.of());
        try (Relay relay = relay(settings(), order);
                QueueReader reader = QueueReader.of(rabbit.connectionFactory(), topic);
                java.sql.Connection connection = fixture.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            append(connection, topic, "good", "1");
            statement.execute("INSERT INTO message (topic, key, type, source, payload) VALUES ('" + topic
                    + "', 'bad', 'unheard.of', 'test', '2')");
            if (order == Order.PIPELINED) {
                connection.commit();
                awaitDrained();
            }
            append(connection, topic, "bad", "3");
            append(connection, topic, "good", "4");
            connection.commit();
            assertThat(reader.await(2)).extracting(QueueReader::body).allMatch(body -> body.matches(".*:[14]}"));
            awaitDrained();
            assertThat(outcomes.parked).extracting(Failure::kind).containsExactly(Failure.Kind.MESSAGE);
            assertThat(ask("SELECT count(*) FROM parked WHERE state = 'DEAD' AND reason = 'MESSAGE' AND key = 'bad'"))
                    .isEqualTo(1);
            assertThat(ask("SELECT count(*) FROM parked WHERE state = 'HELD' AND key = 'bad'"))
                    .isEqualTo(1);
            assertThat(outcomes.orderExceptions).hasValue(0);
            assertThat(outcomes.outages).isEmpty();
            assertThat(relay.stopped()).isNotDone();
        }
    }

    @Test
    void aMissingExchangeIsWaitedForAndAllArrivesOnceItIsThere() throws SQLException {
        try (Relay relay = relay()) {
            appendRounds(topic, 1, 5);
            outcomes.awaitOutage(failure -> failure.kind() == Failure.Kind.TOPIC
                    && failure.error().contains("404")
                    && failure.error().contains(topic));
            declare(topic, "#", Map.of());
            awaitDrained();
            assertThat(relay.stopped()).isNotDone();
        }
        try (QueueReader reader = QueueReader.of(rabbit.connectionFactory(), topic)) {
            assertThat(assertComplete(reader, 5, true)).as("duplicates").isZero();
        }
        assertThat(ask("SELECT count(*) FROM parked")).isZero();
    }

    @Test
    void aForbiddenExchangeIsWaitedForAndAllArrivesOnceItIsAllowed() throws SQLException {
        declare(topic, "#", Map.of());
        String user = RabbitServer.uniqueName("relay");
        rabbit.defaultVirtualHost().addUser(user, "secret", "", "", "");
        try (Relay relay = relay(settings().withLogin(user, "secret"), Order.PIPELINED)) {
            appendRounds(topic, 1, 5);
            outcomes.awaitOutage(failure -> failure.kind() == Failure.Kind.TOPIC
                    && failure.error().contains("403")
                    && failure.error().contains(topic));
            rabbit.defaultVirtualHost().setPermissions(user, "", ".*", "");
            awaitDrained();
            assertThat(relay.stopped()).isNotDone();
        }
        try (QueueReader reader = QueueReader.of(rabbit.connectionFactory(), topic)) {
            assertComplete(reader, 5, true);
        }
        assertThat(ask("SELECT count(*) FROM parked")).isZero();
    }

    @Test
    void aMemoryAlarmIsAnOutageAndLeavesFewDuplicatesAndConnections() throws SQLException {
        declare(topic, "#", Map.of());
        try (Relay relay = relay()) {
            appendRounds(topic, 1, 1);
            awaitDrained();
            rabbit.setMemoryAlarm(true);
            try {
                appendRounds(topic, 2, 4);
                outcomes.awaitOutage(failure -> failure.kind() == Failure.Kind.OUTAGE
                        && failure.error().contains("RabbitMQ blocks publishers"));
                int connections = proxy.connections();
                await().until(() -> outcomes.outages.stream()
                                .filter(failure -> failure.error().contains("RabbitMQ blocks publishers"))
                                .count()
                        >= 2);
                assertThat(proxy.connections()).as("connections while blocked").isEqualTo(connections);
            } finally {
                rabbit.setMemoryAlarm(false);
            }
            awaitDrained();
            assertThat(relay.stopped()).isNotDone();
        }
        try (QueueReader reader = QueueReader.of(rabbit.connectionFactory(), topic)) {
            assertThat(assertComplete(reader, 5, true)).as("duplicates").isLessThanOrEqualTo(4 * KEYS);
        }
        assertThat(ask("SELECT count(*) FROM parked")).isZero();
    }

    /** Each try closes the channel; it must not take others with it, again and again. */
    @Test
    void aForbiddenExchangeDoesNotMakeOthersGoAgainAtEachTry() throws SQLException {
        String forbidden = RabbitServer.uniqueName("forbidden");
        declare(topic, "#", Map.of());
        declare(forbidden, "#", Map.of());
        String user = RabbitServer.uniqueName("relay");
        rabbit.defaultVirtualHost().addUser(user, "secret", "", topic, "");
        try (java.sql.Connection connection = fixture.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO message (topic, key, type, source, payload) SELECT CASE n WHEN 300 THEN '"
                    + forbidden + "' ELSE '" + topic + "' END, 'k', 'a.b', 'test', n::text::json"
                    + " FROM generate_series(1, 600) n");
        }
        try (Relay relay = relay(settings().withLogin(user, "secret"), Order.PIPELINED)) {
            await().until(() -> outcomes.outages.size() >= 4);
            assertThat(relay.stopped()).isNotDone();
        }
        Map<String, Integer> deliveries = new HashMap<>();
        try (QueueReader reader = QueueReader.of(rabbit.connectionFactory(), topic)) {
            reader.await(299);
            while (reader.poll() > 0) {}
            reader.await(0).forEach(each -> deliveries.merge(QueueReader.body(each), 1, Integer::sum));
        }
        assertThat(deliveries).hasSize(299);
        assertThat(deliveries.values())
                .as("the first try may have taken some with it")
                .allMatch(times -> times <= 2);
    }

    /** A queue of twenty, read slowly: of what is on its way much is refused, again and again. */
    @ParameterizedTest
    @EnumSource(Order.class)
    void aFullQueueIsWaitedForWithoutADuplicate(Order order) throws SQLException {
        declare(topic, "#", Map.of("x-max-length", 20, "x-overflow", "reject-publish"));
        try (Relay relay = relay(settings(), order)) {
            appendRounds(topic, 1, 10);
            outcomes.awaitOutage(failure -> failure.kind() == Failure.Kind.OUTAGE
                    && failure.errorClass().equals("Nacked")
                    && failure.error().contains(topic));
            try (QueueReader reader = QueueReader.of(rabbit.connectionFactory(), topic)) {
                assertThat(assertComplete(reader, 10, order == Order.STRICT)).isZero();
            }
            awaitDrained();
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(ask("SELECT count(*) FROM parked")).isZero();
        assertThat(ask("SELECT max(order_exceptions) FROM checkpoint")).isEqualTo(outcomes.orderExceptions.get());
        if (order == Order.STRICT) {
            assertThat(outcomes.orderExceptions).hasValue(0);
        }
    }

    @Test
    void aConnectionThatIsResetInTheMiddleLosesNothing() throws SQLException {
        everythingArrives(proxy::cut);
    }

    @Test
    void confirmsThatAreLostLoseNothing() throws SQLException {
        everythingArrives(() -> {
            proxy.blackHole(TcpProxy.Direction.TO_CLIENT);
            outcomes.awaitOutage(failure -> failure.errorClass().equals("PublishTimeout"));
            proxy.resume();
        });
    }

    @Test
    void messagesThatAreLostOnTheWayLoseNothing() throws SQLException {
        everythingArrives(() -> {
            proxy.blackHole(TcpProxy.Direction.TO_SERVER);
            outcomes.awaitOutage(failure -> failure.kind() == Failure.Kind.OUTAGE);
            proxy.resume();
        });
    }

    /** Nobody reads, so that the writes do not return. */
    @Test
    void aConnectionThatStandsStillDoesNotHangTheLane() throws SQLException {
        everythingArrives(() -> {
            proxy.freeze();
            outcomes.awaitOutage(failure -> failure.errorClass().equals("PublishTimeout"));
            proxy.cut();
            proxy.resume();
        });
    }

    @Test
    void aRabbitMqThatIsKilledLosesNothing() throws SQLException {
        everythingArrives(() -> {
            rabbit.syncDeclarations();
            rabbit.kill();
            rabbit.restart();
        });
    }

    @Test
    void aRabbitMqThatStopsAndStartsLosesNothing() throws SQLException {
        everythingArrives(() -> {
            rabbit.stop();
            outcomes.awaitOutage(failure -> failure.kind() == Failure.Kind.OUTAGE);
            rabbit.restart();
        });
    }

    private void everythingArrives(Runnable fault) throws SQLException {
        declare(topic, "#", Map.of());
        int rounds = 400;
        try (Relay relay = relay()) {
            appendRounds(topic, 1, rounds / 2);
            await().until(() -> ask("SELECT coalesce(max(published), 0) FROM checkpoint") > 1000);
            appendRounds(topic, rounds / 2 + 1, rounds / 4);
            fault.run();
            appendRounds(topic, rounds / 4 * 3 + 1, rounds / 4);
            awaitDrained();
            assertThat(relay.stopped()).isNotDone();
        }
        try (QueueReader reader = QueueReader.of(rabbit.connectionFactory(), topic)) {
            assertComplete(reader, rounds, true);
        }
        assertThat(ask("SELECT count(*) FROM parked")).isZero();
    }
}
