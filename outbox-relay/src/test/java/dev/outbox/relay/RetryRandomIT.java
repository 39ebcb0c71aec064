package dev.outbox.relay;

import static dev.outbox.relay.Patience.await;
import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.relay.ChannelSettings.Order;
import dev.outbox.relay.broker.Message;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Everything that may go wrong, by chance and at the same time: nothing is lost, with strict order nothing overtakes, and nobody is
 * held for ever. Set {@code -Doutbox.seed} to begin as a run began that failed.
 */
@ExtendWith(OutboxServers.class)
class RetryRandomIT {

    private static final Duration CHAOS = Duration.ofSeconds(8);
    private static final Duration STEP = Duration.ofMillis(12);
    private static final ChannelSettings.Parking QUICK_RETRIES =
            ChannelSettings.Parking.defaults().withAttempts(3, Duration.ofMillis(5));

    private final RelayFixture fixture;
    private Random random = new Random();

    RetryRandomIT(TestDatabase database) {
        fixture = new RelayFixture(database);
    }

    @BeforeEach
    void emptyOutbox() throws SQLException {
        fixture.reset();
    }

    /** As many of each order as {@code -Doutbox.runs} says. */
    static Stream<Arguments> runs() {
        long first = Long.getLong("outbox.seed", System.nanoTime());
        return LongStream.range(first, first + Integer.getInteger("outbox.runs", 1))
                .boxed()
                .flatMap(seed -> Stream.of(Order.values()).map(order -> Arguments.of(order, seed)));
    }

    @ParameterizedTest
    @MethodSource("runs")
    void nothingIsLostAndNobodyIsHeldForEver(Order order, long seed) throws SQLException {
        random = new Random(seed);
        int lanes = 1 + random.nextInt(3);
        boolean sessionsSurvive = random.nextBoolean();
        RandomBroker broker = new RandomBroker(seed, sessionsSurvive);
        ChannelSettings channel = ChannelSettings.of("default")
                .withLanes(lanes)
                .withOrder(order)
                .withPublishTimeout(Duration.ofSeconds(2))
                .withParking(random.nextBoolean() ? QUICK_RETRIES : QUICK_RETRIES.withRowsMax(200));
        String run = "seed=" + seed + ", order=" + order + ", lanes=" + lanes + ", sessionsSurvive=" + sessionsSurvive
                + ", rowsMax=" + channel.parking().rowsMax();
        System.out.println("RetryRandomIT: " + run);
        Relay relay = start(channel, broker);
        try (Connection writer = fixture.connect();
                Connection late = fixture.connect();
                Connection operator = fixture.connect();
                Connection locker = fixture.connect()) {
            late.setAutoCommit(false);
            locker.setAutoCommit(false);
            long end = System.nanoTime() + CHAOS.toNanos();
            while (System.nanoTime() - end < 0) {
                if (random.nextInt(3) == 0) {
                    append(writer, "k", 1 + random.nextInt(60));
                }
                switch (random.nextInt(30)) {
                    case 0 -> broker.toggle("t0");
                    case 1 -> broker.toggle("t1");
                    case 2 -> broker.setDown(true);
                    case 3, 4, 5 -> broker.setDown(false);
                    case 6 -> operate(operator, "SELECT retry(all_parked => true, max_rows => 100000, reason => 'x')");
                    case 7 -> discard(operator, "state <> 'RESOLVED'");
                    case 8 -> discard(operator, "state IN ('DEAD', 'RETRYING')");
                    case 9, 10 -> append(late, "l", 5);
                    case 11 -> late.commit();
                    case 12 -> late.rollback();
                    case 13 -> operate(locker, "SELECT FROM parked WHERE random() < 0.2 FOR UPDATE SKIP LOCKED");
                    case 14, 15, 16 -> locker.rollback();
                    case 17 -> operate(operator, "SELECT replay(all_messages => true, rate => 2000, reason => 'x')");
                    case 18 ->
                        operate(
                                operator,
                                "UPDATE replay SET state = 'CANCELLED', finished_at = now() WHERE state = 'RUNNING'");
                    case 19 -> {
                        if (random.nextInt(4) == 0) {
                            operate(
                                    operator,
                                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
                                            + " current_database() AND query LIKE '%WITH fence%' AND pid <> pg_backend_pid()");
                        }
                    }
                    case 20 -> {
                        if (random.nextInt(4) == 0) {
                            relay.close();
                            relay = start(channel, broker);
                        }
                    }
                    default -> {}
                }
                LockSupport.parkNanos(STEP.toNanos());
            }
            late.commit();
            locker.rollback();
            broker.heal();
            awaitAllResolved(operator, run);
            check(operator, broker, order, run);
            awaitNobodyHeld(writer, broker, run);
            assertThat(relay.stopped()).as(run).isNotDone();
        } finally {
            relay.close();
        }
    }

    private Relay start(ChannelSettings channel, RandomBroker broker) {
        return Relay.start(fixture.database(), RelayFixture.UNHURRIED, Map.of(channel, broker), new LoggingListener());
    }

    private void append(Connection connection, String keys, int messages) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO message (topic, key, type, source, payload)"
                    + " SELECT 't' || (random() * 2.2)::int, CASE WHEN random() > 0.1 THEN '" + keys
                    + "' || (random() * 7)::int END, 'a.b', 'test', '1' FROM generate_series(1, " + messages + ")");
        }
    }

    private void discard(Connection operator, String condition) throws SQLException {
        operate(
                operator,
                "SELECT discard(ids => (SELECT array_agg(id) FROM (SELECT id FROM parked WHERE " + condition
                        + " ORDER BY random() LIMIT 3) p), reason => 'x')");
    }

    /** What the schema refuses by its own codes is not the matter here. */
    private static void operate(Connection operator, String sql) throws SQLException {
        try (Statement statement = operator.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            if (!String.valueOf(e.getSQLState()).startsWith("OB")) {
                throw e;
            }
        }
    }

    private void awaitAllResolved(Connection operator, String run) {
        String unresolved = "SELECT (SELECT count(*) FROM pending) || ' pending; '"
                + " || (SELECT count(*) FROM replay WHERE state = 'RUNNING') || ' replays; '"
                + " || coalesce((SELECT string_agg(concat_ws(' ', seq, lane, topic, key, state, 'behind', held_by), ', ')"
                + " FROM (SELECT * FROM parked WHERE resolved_at IS NULL ORDER BY seq LIMIT 20) p), 'nothing parked')";
        await().pollInterval(Duration.ofMillis(200))
                .alias(run)
                .atMost(Duration.ofSeconds(Integer.getInteger("outbox.healing", 120)))
                .untilAsserted(() -> {
                    operate(
                            operator,
                            "UPDATE parked SET state = 'RETRYING', next_attempt_at = clock_timestamp() WHERE state = 'DEAD'");
                    try (Statement statement = operator.createStatement();
                            ResultSet row = statement.executeQuery(unresolved)) {
                        row.next();
                        assertThat(row.getString(1)).isEqualTo("0 pending; 0 replays; nothing parked");
                    }
                });
    }

    private static void check(Connection connection, RandomBroker broker, Order order, String run) throws SQLException {
        List<Message> taken = broker.taken();
        List<Message> first = new ArrayList<>();
        Set<Long> seen = new HashSet<>();
        for (Message message : taken) {
            if (seen.add(message.seq())) {
                first.add(message);
            }
        }
        assertThat(missing(
                        connection,
                        seen,
                        "SELECT seq FROM message EXCEPT SELECT seq FROM parked"
                                + " WHERE resolution LIKE 'discarded%'"))
                .as("lost; %s", run)
                .isEmpty();
        assertThat(missing(connection, seen, "SELECT seq FROM parked WHERE resolution = 'published'"))
                .as("said to be published; %s", run)
                .isEmpty();
        long replayed =
                taken.stream().filter(message -> message.replayId() != null).count();
        System.out.println("RetryRandomIT: messages=" + seen.size() + ", duplicates="
                + (taken.size() - seen.size() - replayed) + ", replayed=" + replayed + ", parked="
                + number(connection, "SELECT count(*) FROM parked") + ", checkpoints="
                + number(connection, "SELECT count(*) FROM checkpoint") + ", exceptions="
                + number(
                        connection,
                        "SELECT sum(m) FROM (SELECT max(order_exceptions) m FROM checkpoint GROUP BY lane) c"));
        if (order == Order.STRICT) {
            assertThat(overtaken(first)).as("order; %s", run).isEmpty();
        }
        assertThat(number(connection, "SELECT count(*) FROM lane WHERE trouble IS NOT NULL"))
                .as(run)
                .isLessThanOrEqualTo(1);
    }

    private static List<Long> missing(Connection connection, Set<Long> seen, String sql) throws SQLException {
        List<Long> missing = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                if (!seen.contains(rows.getLong(1))) {
                    missing.add(rows.getLong(1));
                }
            }
        }
        return missing;
    }

    private static List<String> overtaken(List<Message> first) {
        Map<TopicKey, Long> last = new HashMap<>();
        List<String> overtaken = new ArrayList<>();
        for (Message message : first) {
            if (message.key() != null) {
                Long before = last.put(TopicKey.of(message), message.seq());
                if (before != null && before > message.seq()) {
                    overtaken.add(message.seq() + " after " + before + " of " + message.topic() + "/"
                            + new String(Objects.requireNonNull(message.key()), StandardCharsets.UTF_8)
                            + (message.replayId() == null ? "" : ", replayed"));
                }
            }
        }
        return overtaken;
    }

    /** Messages of all keys go straight through, once the last holds are gone. */
    private void awaitNobodyHeld(Connection writer, RandomBroker broker, String run) {
        await().pollInterval(Duration.ofMillis(500)).alias(run).until(() -> {
            long before = number(writer, "SELECT count(*) FROM parked");
            int taken = broker.taken().size();
            append(writer, "k", 200);
            append(writer, "l", 200);
            await().alias(run).until(() -> broker.taken().size() == taken + 400);
            await().alias(run).until(() -> number(writer, "SELECT count(*) FROM pending") == 0);
            return number(writer, "SELECT count(*) FROM parked") == before;
        });
    }
}
