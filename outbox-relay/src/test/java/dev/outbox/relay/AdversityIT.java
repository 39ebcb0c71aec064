package dev.outbox.relay;

import static dev.outbox.relay.Patience.await;
import static dev.outbox.relay.RelayFixture.append;
import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outbox.relay.RelaySettings.SegmentSettings;
import dev.outbox.relay.ScriptedBroker.Answer;
import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.BrokerSession;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import dev.outbox.testkit.TopicReader;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Interleavings and inputs by which a relay could lose, reorder, or stop for ever. */
@ExtendWith(OutboxServers.class)
class AdversityIT {

    private static final Duration LENGTH = Duration.ofMinutes(5);

    private final RelayFixture fixture;
    private final String topic = KafkaServer.uniqueTopic("broken");

    AdversityIT(TestDatabase database, KafkaServer kafka) {
        fixture = new RelayFixture(database, kafka);
    }

    @BeforeEach
    void emptyOutbox() throws SQLException {
        fixture.reset();
    }

    /** A freeze of the process, or a slow renewal, while no other relay is there to take the lane. */
    @Test
    void aPageReadWhileTheLeaseHadLapsedIsNotSkippedWhenTheLeaseIsRenewed() throws SQLException {
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> Answer.ACCEPT);
        try (Connection writer = fixture.connect();
                LaneLeases leases = new LaneLeases(fixture.database().open("test", LENGTH), "test", LENGTH)) {
            leases.createLanes(ChannelSettings.of("default"));
            Lease lease = leases.acquire(List.of("default")).get(0);
            for (int n = 1; n <= 3; n++) {
                append(writer, topic, "k", String.valueOf(n));
            }
            AtomicBoolean lapsed = new AtomicBoolean();
            AtomicInteger turns = new AtomicInteger();
            Runnable lapse = () -> {
                if (lapsed.compareAndSet(false, true)) {
                    lease.end();
                }
            };
            runLoop(lease, broker, lapse, () -> {
                if (!lease.valid()) {
                    renew(leases, lease);
                }
                return turns.incrementAndGet() > 300;
            });
            assertThat(lapsed).isTrue();
            assertThat(number(writer, "SELECT count(*) FROM pending"))
                    .as("pending")
                    .isZero();
            assertThat(number(writer, "SELECT count(*) FROM parked"))
                    .as("parked")
                    .isZero();
            assertThat(broker.firstTaken()).as("published").containsExactly(1L, 2L, 3L);
        }
    }

    @Test
    void aLaneWhoseLeaseEndsInTheMiddleOfAPageStopsSending() throws SQLException {
        AtomicInteger afterTheEnd = new AtomicInteger();
        Lease[] held = new Lease[1];
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> {
            if (seq == 10) {
                held[0].end(); // as if this send had blocked, for max.block.ms, until the lease was over
            } else if (seq > 10) {
                afterTheEnd.incrementAndGet();
            }
            return Answer.ACCEPT;
        });
        try (Connection writer = fixture.connect();
                LaneLeases leases = new LaneLeases(fixture.database().open("test", LENGTH), "test", LENGTH)) {
            leases.createLanes(ChannelSettings.of("default"));
            held[0] = leases.acquire(List.of("default")).get(0);
            appendAll(writer, 60, "k");
            runLoop(held[0], broker, () -> {}, () -> false);
            assertThat(afterTheEnd).as("sent after the lease was over").hasValue(0);
        }
    }

    /** 3 is on its way, 4 cannot be sent, and 5 to 9 fit into the pipeline. */
    @Test
    void nothingOvertakesAMessageThatCouldNotBeSent() throws SQLException {
        ScriptedBroker[] self = new ScriptedBroker[1];
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> {
            if (seq == 7) {
                var unused = CompletableFuture.runAsync(() -> self[0].acknowledge());
            }
            return switch ((int) seq * 10 + Math.min(attempt, 2)) {
                case 41 -> Answer.TAKE;
                case 51 -> Answer.OUTAGE_AT_ONCE;
                default -> Answer.ACCEPT;
            };
        });
        self[0] = broker;
        try (Connection writer = fixture.connect()) {
            appendAll(writer, 10, "k");
            try (Relay relay = relay(pagesOf(1), broker, new LoggingListener())) {
                await().until(() -> number(writer, "SELECT count(*) FROM pending") == 0);
                assertThat(relay.stopped()).isNotDone();
            }
            assertThat(broker.firstTaken())
                    .isEqualTo(LongStream.rangeClosed(1, 10).boxed().toList());
        }
    }

    /** The refusal is there before the follower is even appended. */
    @Test
    void aFollowerAppendedAfterTheRefusalIsNotSent() throws SQLException {
        CompletableFuture<Void> followerSent = new CompletableFuture<>();
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> {
            if (seq == 9) {
                followerSent.complete(null);
            }
            return seq == 7 ? Answer.REFUSE : seq == 8 ? Answer.TAKE : Answer.ACCEPT;
        });
        try (Connection writer = fixture.connect()) {
            appendAll(writer, 6, "warm");
            try (Relay relay = relay(pagesOf(2), broker, new LoggingListener())) {
                await().until(() -> number(writer, "SELECT count(*) FROM pending") == 0);
                writer.setAutoCommit(false);
                append(writer, topic, "bad", "7");
                append(writer, topic, "other", "8");
                writer.commit();
                writer.setAutoCommit(true);
                await().until(() -> broker.attempts(8) == 1);
                append(writer, topic, "bad", "9");
                followerSent.completeOnTimeout(null, 2, TimeUnit.SECONDS).join();
                broker.acknowledge();
                await().until(() -> number(writer, "SELECT count(*) FROM pending") == 0);
                assertThat(relay.stopped()).isNotDone();
            }
            assertThat(number(writer, "SELECT count(*) FROM parked WHERE seq = 7 AND state = 'DEAD'"))
                    .isEqualTo(1);
            assertThat(broker.firstTaken()).as("published past its parked head").doesNotContain(9L);
        }
    }

    @Test
    void whatIsTakenTheSecondTimeHoldsNobody() throws SQLException {
        ScriptedBroker broker =
                new ScriptedBroker((seq, attempt) -> seq == 1 && attempt == 1 ? Answer.REFUSE_AT_ONCE : Answer.ACCEPT);
        try (Connection writer = fixture.connect()) {
            appendAll(writer, 2, "k");
            try (Relay relay = relay(ChannelSettings.of("default"), broker, new LoggingListener())) {
                await().until(() -> number(writer, "SELECT count(*) FROM pending") == 0);
                append(writer, topic, "k", "3");
                await().until(() -> number(writer, "SELECT count(*) FROM pending") == 0);
                assertThat(relay.stopped()).isNotDone();
            }
            assertThat(number(writer, """
                    SELECT count(*) FROM parked p
                    WHERE state = 'HELD' AND NOT EXISTS (SELECT FROM parked h WHERE h.seq = p.held_by)
                    """)).as("held behind nobody").isZero();
        }
    }

    @Test
    void timesAtTheEdgesArePublishedAndThoseBeyondAreRefused() throws SQLException {
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> Answer.ACCEPT);
        String insert =
                "INSERT INTO message (topic, key, type, occurred_at, payload) VALUES ('" + topic + "', 'b', 'a.b', '";
        try (Connection writer = fixture.connect();
                Statement statement = writer.createStatement();
                Relay relay = relay(ChannelSettings.of("default"), broker, new LoggingListener())) {
            statement.execute(insert + "0001-01-01 00:00:00+00', '1')");
            statement.execute(insert + "9999-12-31 23:59:59.999999+00', '2')");
            for (String beyond : List.of("infinity", "294276-12-31 23:59:59+00", "0001-01-01 00:00:00+00 BC")) {
                assertThatThrownBy(() -> statement.execute(insert + beyond + "', '3')"))
                        .hasMessageContaining("message_occurred_at_range");
            }
            await().until(() -> broker.firstTaken().equals(List.of(1L, 2L)));
            assertThat(relay.stopped()).isNotDone();
        }
    }

    /** Small messages before large ones: after each failed page all goes again from a checkpoint that never moves. */
    @Test
    void largeMessagesBehindManySmallOnesAreReached() throws SQLException {
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> Answer.ACCEPT);
        try (Connection writer = fixture.connect();
                Statement statement = writer.createStatement()) {
            writer.setAutoCommit(false);
            appendAll(writer, 3000, "k");
            statement.execute("INSERT INTO message (topic, key, type, payload) SELECT '" + topic
                    + "', 'big', 'a.b', ('\"' || repeat('x', 12000000) || '\"')::json FROM generate_series(1, 12)");
            writer.commit();
            writer.setAutoCommit(true);
            try (Relay relay = relay(ChannelSettings.of("default"), broker, new LoggingListener())) {
                await().untilAsserted(() -> assertThat(number(writer, "SELECT count(*) FROM pending"))
                        .as("pending; %s sent, the first %s times", broker.sent(), broker.attempts(1))
                        .isZero());
                assertThat(relay.stopped()).isNotDone();
            }
        }
    }

    @Test
    void aLongNumberInAHeaderDoesNotStopTheRelay() throws SQLException {
        headersDoNotStopTheRelay("{\"n\":" + "1".repeat(1001) + "}");
    }

    @Test
    void aDeepHeaderDoesNotStopTheRelay() throws SQLException {
        headersDoNotStopTheRelay("{\"n\":" + "[".repeat(600) + "]".repeat(600) + "}");
    }

    @Test
    void theFirstHalfOfASurrogatePairInAHeadersNameDoesNotStopTheRelay() throws SQLException {
        headersDoNotStopTheRelay("{\"\\ud800\":\"x\"}");
    }

    @Test
    void theFirstHalfOfASurrogatePairInAHeadersValueDoesNotStopTheRelay() throws SQLException {
        headersDoNotStopTheRelay("{\"a\":\"\\ud83d\"}");
    }

    /** kafka-clients counts half a surrogate pair as 3 bytes and writes 1: the record's length is wrong. */
    @Test
    void theSecondHalfOfASurrogatePairInAHeadersNameDoesNotBreakThePartition() throws SQLException {
        headersDoNotStopTheRelay("{\"\\udc00\":\"x\"}");
    }

    private void headersDoNotStopTheRelay(String headers) throws SQLException {
        try (Connection writer = fixture.connect();
                TopicReader reader = fixture.read(topic);
                Statement statement = writer.createStatement();
                Relay relay = fixture.relay()) {
            append(writer, topic, "good", "1");
            reader.await(1);
            statement.execute("INSERT INTO message (topic, key, type, headers, payload) VALUES ('" + topic
                    + "', 'bad', 'a.b', '" + headers + "', '2')");
            await().untilAsserted(() -> {
                assertThat(relay.stopped()).isNotDone();
                assertThat(number(writer, "SELECT count(*) FROM pending")).isZero();
            });
            append(writer, topic, "good", "3");
            boolean parked = number(writer, "SELECT count(*) FROM parked") > 0;
            assertThat(reader.await(parked ? 2 : 3))
                    .extracting(read -> TopicReader.header(read, "sequence"))
                    .contains("1", "3");
            assertThat(relay.stopped()).isNotDone();
        }
    }

    @Test
    void aListenerThatFailsAtTheEndDoesNotKeepARelayThatCannotGoOn() throws SQLException {
        AtomicInteger opened = new AtomicInteger();
        Broker broken = new Broker() {
            @Override
            public BrokerSession open() {
                opened.incrementAndGet();
                throw new IllegalStateException("a bug");
            }

            @Override
            public void close() {}
        };
        RelayListener listener = new RelayListener() {
            @Override
            public void failed(Throwable cause) {
                throw new IllegalStateException("pager is down");
            }
        };
        try (Connection writer = fixture.connect()) {
            append(writer, topic, "k", "1");
            try (Relay relay = relay(ChannelSettings.of("default"), broken, listener)) {
                await().until(() -> relay.stopped().isDone());
                await().untilAsserted(() -> assertThat(number(writer, "SELECT count(*) FROM relay"))
                        .as("relays; the lane was started %s times", opened.get())
                        .isZero());
            }
        }
    }

    @Test
    void aRelayThatHasStoppedHasToldOfTheLanesItLeft() throws SQLException {
        CountDownLatch closed = new CountDownLatch(1);
        AtomicReference<String> told = new AtomicReference<>("nothing");
        RelayListener listener = new RelayListener() {
            @Override
            public void laneLeft(LaneKey lane, String why) {
                try {
                    told.set(closed.await(1, TimeUnit.SECONDS) ? "after its end: " + why : why);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        };
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> Answer.ACCEPT);
        try (Connection writer = fixture.connect()) {
            Relay relay = relay(ChannelSettings.of("default"), broker, listener);
            await().until(() -> number(writer, "SELECT count(*) FROM checkpoint") > 0);
            relay.close();
            closed.countDown();
            assertThat(told).hasValue("the relay stops");
            assertThat(number(writer, "SELECT count(*) FROM lane WHERE owner IS NULL"))
                    .isEqualTo(1);
        }
    }

    @Test
    void theRingGoesOnTurningAfterAListenerFailed() throws SQLException {
        SegmentSettings quick = SegmentSettings.ofRetention(Duration.ofMillis(600))
                .withRotateAfter(Duration.ofMillis(100))
                .withCheckInterval(Duration.ofMillis(50));
        AtomicBoolean failed = new AtomicBoolean();
        RelayListener listener = new RelayListener() {
            @Override
            public void segmentRotated(long no, int segment) {
                if (failed.compareAndSet(false, true)) {
                    throw new IllegalStateException("metrics are down");
                }
            }
        };
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> Answer.ACCEPT);
        try (Connection writer = fixture.connect();
                Relay relay = Relay.start(
                        fixture.database(),
                        RelayFixture.UNHURRIED.withSegments(quick),
                        Map.of(ChannelSettings.of("default"), broker),
                        listener)) {
            await().dontCatchUncaughtExceptions().until(() -> {
                append(writer, topic, "k", "1");
                return relay.stopped().isDone() || number(writer, "SELECT max(no) FROM segment_log") >= 3;
            });
        }
    }

    private Relay relay(ChannelSettings channel, Broker broker, RelayListener listener) {
        return Relay.start(fixture.database(), RelayFixture.UNHURRIED, Map.of(channel, broker), listener);
    }

    private static ChannelSettings pagesOf(int rows) {
        return new ChannelSettings(
                "default",
                1,
                rows,
                4 << 20,
                8,
                32 << 20,
                Patience.LONGEST,
                ChannelSettings.Order.PIPELINED,
                RelayFixture.DEAD_AT_ONCE);
    }

    private void appendAll(Connection writer, int count, String key) throws SQLException {
        try (Statement statement = writer.createStatement()) {
            statement.execute("INSERT INTO message (topic, key, type, payload) SELECT '" + topic + "', '" + key
                    + "', 'a.b', '1' FROM generate_series(1, " + count + ")");
        }
    }

    /** Runs a lane on this thread; {@code afterPage} is called when a page has been read. */
    private void runLoop(Lease lease, Broker broker, Runnable afterPage, BooleanSupplier stopping) throws SQLException {
        RelayListener listener = new LoggingListener();
        try (Connection real = fixture.database().openForLane(lease.lane(), LENGTH);
                BrokerLink link = new BrokerLink(broker, lease.lane(), listener)) {
            Connection connection = spied(real, afterPage);
            LaneLoop.open(
                            new LaneLoop.Parts(
                                    lease,
                                    RelayFixture.UNHURRIED,
                                    ChannelSettings.of("default"),
                                    connection,
                                    link,
                                    listener),
                            64,
                            stopping)
                    .run();
        }
    }

    private static void renew(LaneLeases leases, Lease lease) {
        try {
            leases.renew(lease);
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    private static Connection spied(Connection real, Runnable afterPage) {
        return proxy(Connection.class, (self, method, arguments) -> {
            Object result = call(real, method, arguments);
            boolean page = result instanceof PreparedStatement
                    && String.valueOf(arguments[0]).contains("ORDER BY seq");
            return !page
                    ? result
                    : proxy(PreparedStatement.class, (statement, each, values) -> {
                        Object answer = call(result, each, values);
                        if (each.getName().equals("executeQuery")) {
                            afterPage.run();
                        }
                        return answer;
                    });
        });
    }

    private static Object call(Object target, java.lang.reflect.Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }
}
