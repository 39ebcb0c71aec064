package dev.outbox.relay;

import static dev.outbox.relay.Patience.await;
import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.relay.ChannelSettings.Order;
import dev.outbox.relay.ScriptedBroker.Answer;
import dev.outbox.relay.broker.Broker;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is parked goes out after all, in order, and holds nobody else meanwhile. */
@ExtendWith(OutboxServers.class)
class RetryIT {

    private static final ChannelSettings.Parking PATIENT =
            ChannelSettings.Parking.defaults().withAttempts(5, Duration.ofMillis(10));

    private final RelayFixture fixture;

    RetryIT(TestDatabase database) {
        fixture = new RelayFixture(database);
    }

    @BeforeEach
    void emptyOutbox() throws SQLException {
        fixture.reset();
    }

    private Relay relay(Broker broker, Order order, ChannelSettings.Parking parking) {
        ChannelSettings channel = ChannelSettings.of("default").withOrder(order).withParking(parking);
        return Relay.start(fixture.database(), RelayFixture.QUICK, Map.of(channel, broker), new LoggingListener());
    }

    /** Numbers the messages from the next seq on: of topic {@code orders}, the keys in turn. */
    private void append(int messages, int keys) throws SQLException {
        append("orders", messages, keys);
    }

    private void append(String topic, int messages, int keys) throws SQLException {
        execute("INSERT INTO message (topic, key, type, source, payload) SELECT '" + topic + "', 'k' || n % " + keys
                + ", 'a.b', 'test', n::text::json FROM generate_series(1, " + messages + ") n");
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = fixture.connect();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private long ask(String sql) throws SQLException {
        try (Connection connection = fixture.connect()) {
            return number(connection, sql);
        }
    }

    private void awaitResolved(long parked) {
        await().until(() -> ask("SELECT count(*) FROM pending") == 0
                && ask("SELECT count(*) FROM parked WHERE state = 'RESOLVED'") == parked
                && ask("SELECT count(*) FROM parked") == parked);
    }

    @ParameterizedTest
    @EnumSource(Order.class)
    void aRefusedMessageIsTriedAgainAndThoseBehindItFollowInOrder(Order order) throws SQLException {
        ScriptedBroker broker =
                new ScriptedBroker((seq, attempt) -> seq == 2 && attempt <= 3 ? Answer.REFUSE_AT_ONCE : Answer.ACCEPT);
        append(10, 1);
        try (Relay relay = relay(broker, order, PATIENT)) {
            awaitResolved(9);
            append(1, 1);
            await().until(() -> broker.taken().size() == 11);
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(broker.taken())
                .containsExactlyElementsOf(LongStream.rangeClosed(1, 11).boxed().toList());
        assertThat(ask("SELECT count(*) FROM attempt WHERE seq = 2")).isEqualTo(3);
        assertThat(ask("SELECT attempts FROM parked WHERE seq = 2")).isEqualTo(3);
        assertThat(ask("SELECT count(*) FROM parked WHERE resolution = 'published' AND broker_positions IS NOT NULL"))
                .isEqualTo(9);
        assertThat(ask("SELECT sum(published) FROM (SELECT max(published) AS published FROM checkpoint) c"))
                .isEqualTo(11);
    }

    @Test
    void othersFlowWhileOneIsDeadAndAnOperatorsRetryPublishesItAndThoseBehindIt() throws SQLException {
        AtomicBoolean mended = new AtomicBoolean();
        ScriptedBroker broker =
                new ScriptedBroker((seq, attempt) -> seq == 1 && !mended.get() ? Answer.REFUSE : Answer.ACCEPT);
        append(40, 4);
        try (Relay relay = relay(broker, Order.PIPELINED, PATIENT.withAttempts(2, Duration.ofMillis(10)))) {
            await().until(() -> ask("SELECT count(*) FROM parked WHERE state = 'DEAD'") == 1);
            await().until(() -> ask("SELECT count(*) FROM pending") == 0);
            // Those behind it were on their way when it was refused: that is what pipelined order allows.
            long overtook = broker.taken().stream().filter(seq -> seq % 4 == 1).count();
            append(40, 4);
            await().until(() -> broker.taken().size() == 30 + overtook + 30);
            assertThat(ask("SELECT count(*) FROM parked WHERE state = 'HELD' AND held_by = 1"))
                    .isEqualTo(19 - overtook);
            mended.set(true);
            execute("UPDATE parked SET state = 'RETRYING', next_attempt_at = clock_timestamp() WHERE seq = 1");
            awaitResolved(20 - overtook);
            assertThat(relay.stopped()).isNotDone();
        }
        List<Long> held = broker.taken().stream().filter(seq -> seq % 4 == 1).toList();
        assertThat(held).hasSize(20).doesNotHaveDuplicates();
        assertThat(held.subList(held.indexOf(1L), 20)).isSorted();
        assertThat(ask("SELECT count(*) FROM attempt")).isEqualTo(2);
    }

    @ParameterizedTest
    @EnumSource(Order.class)
    void whatAnOperatorDiscardedHoldsNobody(Order order) throws SQLException {
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> seq == 1 ? Answer.REFUSE_AT_ONCE : Answer.ACCEPT);
        append(10, 1);
        try (Relay relay = relay(broker, order, RelayFixture.DEAD_AT_ONCE)) {
            await().until(() -> ask("SELECT count(*) FROM parked WHERE state IN ('DEAD', 'HELD')") == 10);
            execute("UPDATE parked SET state = 'RESOLVED', resolution = 'discarded: test', resolved_at = now()"
                    + " WHERE seq IN (1, 3)");
            awaitResolved(10);
            append(2, 1);
            await().until(() -> broker.taken().size() == 10);
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(broker.taken()).containsExactly(2L, 4L, 5L, 6L, 7L, 8L, 9L, 10L, 11L, 12L);
    }

    @Test
    void whatWasDiscardedWhileNoRelayRanHoldsNobodyEither() throws SQLException {
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> seq == 1 ? Answer.REFUSE_AT_ONCE : Answer.ACCEPT);
        append(3, 1);
        try (Relay relay = relay(broker, Order.PIPELINED, RelayFixture.DEAD_AT_ONCE)) {
            await().until(() -> ask("SELECT count(*) FROM parked") == 3);
            assertThat(relay.stopped()).isNotDone();
        }
        execute(
                "UPDATE parked SET state = 'RESOLVED', resolution = 'discarded: test', resolved_at = now() WHERE seq = 1");
        append(1, 1);
        try (Relay relay = relay(broker, Order.PIPELINED, RelayFixture.DEAD_AT_ONCE)) {
            await().until(() -> broker.taken().size() == 3);
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(broker.taken()).containsExactly(2L, 3L, 4L);
    }

    @Test
    void eachWaitIsFourTimesTheOneBeforeUpToTheLongest() throws SQLException {
        ChannelSettings.Parking slow =
                new ChannelSettings.Parking(5, Duration.ofHours(1), Duration.ofHours(10), 1000, 1 << 20);
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> Answer.REFUSE_AT_ONCE);
        append(1, 1);
        try (Relay relay = relay(broker, Order.PIPELINED, slow)) {
            for (int hours : new int[] {1, 4, 10, 10}) {
                // A tenth more or less, so that not all come back at once.
                await().until(() ->
                        ask("SELECT count(*) FROM parked WHERE state = 'RETRYING' AND next_attempt_at BETWEEN"
                                        + " clock_timestamp() + interval '" + hours * 53 + " minutes' AND"
                                        + " clock_timestamp() + interval '" + hours * 67 + " minutes'")
                                == 1);
                execute("UPDATE parked SET next_attempt_at = clock_timestamp()");
            }
            await().until(() ->
                    ask("SELECT count(*) FROM parked WHERE state = 'DEAD' AND next_attempt_at IS NULL") == 1);
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(broker.sent()).isEqualTo(5);
    }

    @Test
    void theLastHundredAttemptsOfAMessageAreKept() throws SQLException {
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> Answer.REFUSE_AT_ONCE);
        append(1, 1);
        try (Relay relay = relay(broker, Order.PIPELINED, RelayFixture.DEAD_AT_ONCE)) {
            await().until(() -> ask("SELECT count(*) FROM parked WHERE state = 'DEAD'") == 1);
            execute("INSERT INTO attempt (seq, no, relay, error_class, error)"
                    + " SELECT 1, n, 'r', 'E', 'e' FROM generate_series(2, 150) n");
            execute("UPDATE parked SET state = 'RETRYING', next_attempt_at = clock_timestamp()");
            await().until(() -> ask("SELECT max(no) FROM attempt") == 151);
            assertThat(ask("SELECT min(no) FROM attempt")).isEqualTo(52);
            assertThat(relay.stopped()).isNotDone();
        }
    }

    @Test
    void ofSeveralRelaysTheOwnerOfTheLaneAloneTriesAgain() throws SQLException {
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> Answer.REFUSE_AT_ONCE);
        append(12, 12);
        try (Relay first = relay(broker, Order.PIPELINED, PATIENT.withAttempts(4, Duration.ofMillis(10)));
                Relay second = relay(broker, Order.PIPELINED, PATIENT.withAttempts(4, Duration.ofMillis(10)));
                Relay third = relay(broker, Order.PIPELINED, PATIENT.withAttempts(4, Duration.ofMillis(10)))) {
            await().until(() -> ask("SELECT count(*) FROM parked WHERE state = 'DEAD'") == 12);
            assertThat(List.of(first, second, third))
                    .allSatisfy(relay -> assertThat(relay.stopped()).isNotDone());
        }
        assertThat(broker.sent()).isEqualTo(4 * 12);
        assertThat(ask("SELECT count(*) FROM attempt")).isEqualTo(4 * 12);
        assertThat(ask("SELECT min(no) || '' || max(no) FROM attempt")).isEqualTo(14);
    }

    /** Odd messages are of a topic that goes away and comes back, while messages are appended all the time. */
    @ParameterizedTest
    @EnumSource(
            value = Answer.class,
            names = {"NO_TOPIC", "NO_TOPIC_AT_ONCE"})
    void aTopicThatComesBackGetsAllInOrderWhileOthersFlow(Answer missing) throws SQLException {
        AtomicBoolean there = new AtomicBoolean();
        ScriptedBroker broker =
                new ScriptedBroker((seq, attempt) -> seq % 2 == 1 && !there.get() ? missing : Answer.ACCEPT);
        try (Relay relay = relay(broker, Order.PIPELINED, PATIENT)) {
            for (int round = 0; round < 400; round++) {
                append("orders", 1, 3);
                append("payments", 1, 3);
                if (round == 200) {
                    await().until(() -> broker.taken().size() == 201);
                    assertThat(ask("SELECT count(*) FROM parked WHERE state = 'WAITING' AND topic = 'orders'"))
                            .isEqualTo(ask("SELECT count(*) FROM parked"));
                    there.set(true);
                }
            }
            await().until(() -> broker.taken().size() == 800);
            await().until(() -> ask("SELECT count(*) FROM parked WHERE resolved_at IS NULL") == 0);
            assertThat(ask("SELECT count(*) FROM pending")).isZero();
            assertThat(ask("SELECT count(*) FROM parked WHERE attempts > 0")).isZero();
            assertThat(ask("SELECT count(*) FROM attempt WHERE error_class = 'Scripted'"))
                    .isPositive();
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(broker.taken().stream().filter(seq -> seq % 2 == 1)).isSorted();
        assertThat(broker.taken()).doesNotHaveDuplicates();
    }

    @Test
    void theBoundOnParkedMessagesStopsTheReadingUntilThereAreFewer() throws SQLException {
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> seq == 1 ? Answer.REFUSE_AT_ONCE : Answer.ACCEPT);
        try (Relay relay = relay(broker, Order.PIPELINED, RelayFixture.DEAD_AT_ONCE.withRowsMax(10))) {
            append(10, 1);
            await().until(() -> ask("SELECT count(*) FROM parked") == 10);
            append("payments", 1, 1);
            await().until(() -> ask("SELECT count(*) FROM lane WHERE trouble LIKE '%at their bound%'") == 1);
            assertThat(ask("SELECT count(*) FROM pending")).isEqualTo(1);
            assertThat(broker.taken()).isEmpty();
            execute("UPDATE parked SET state = 'RESOLVED', resolution = 'discarded: test', resolved_at = now()"
                    + " WHERE seq = 1");
            await().until(() -> broker.taken().size() == 10);
            await().until(() -> ask("SELECT count(*) FROM lane WHERE trouble IS NULL") == 1);
            assertThat(relay.stopped()).isNotDone();
        }
    }

    @Test
    void anOperatorsOpenTransactionStopsNoLane() throws SQLException {
        ScriptedBroker broker =
                new ScriptedBroker((seq, attempt) -> seq == 1 && attempt == 1 ? Answer.REFUSE_AT_ONCE : Answer.ACCEPT);
        append(1, 1);
        try (Connection operator = fixture.connect();
                Statement statement = operator.createStatement();
                Relay relay = relay(broker, Order.PIPELINED, RelayFixture.DEAD_AT_ONCE)) {
            await().until(() -> ask("SELECT count(*) FROM parked WHERE state = 'DEAD'") == 1);
            execute("UPDATE parked SET state = 'RETRYING', next_attempt_at = clock_timestamp() + interval '1 second'");
            operator.setAutoCommit(false);
            statement.execute("SELECT FROM parked FOR UPDATE");
            await().until(() -> broker.attempts(1) >= 2);
            append("payments", 3, 3);
            await().until(() -> broker.taken().containsAll(List.of(2L, 3L, 4L)));
            await().until(() -> ask("SELECT count(*) FROM pending") == 0);
            operator.rollback();
            awaitResolved(1);
            assertThat(broker.attempts(1))
                    .as("sent while it could not be written")
                    .isEqualTo(2);
            assertThat(relay.stopped()).isNotDone();
        }
    }

    /** Its count of what is parked must not forget what it is about to write: with it the lane would forget to look. */
    @Test
    void aMessageWithoutAKeyThatIsRefusedLateIsTriedAgain() throws SQLException {
        ScriptedBroker broker =
                new ScriptedBroker((seq, attempt) -> seq == 2 && attempt == 1 ? Answer.REFUSE_AT_ONCE : Answer.ACCEPT);
        append(1, 1);
        try (Relay relay = relay(broker, Order.PIPELINED, PATIENT)) {
            await().until(() -> broker.taken().size() == 1);
            long startedAt = System.nanoTime();
            // After so long it is counted anew.
            await().until(() -> System.nanoTime() - startedAt
                    > Retries.COUNT_INTERVAL.plusSeconds(1).toNanos());
            execute("INSERT INTO message (topic, type, source, payload) VALUES ('orders', 'a.b', 'test', '1')");
            awaitResolved(1);
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(broker.taken()).containsExactly(1L, 2L);
    }

    @Test
    void aLaneAtItsBoundSleeps() throws SQLException {
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> Answer.REFUSE_AT_ONCE);
        append(1, 1);
        try (Relay relay = relay(broker, Order.PIPELINED, RelayFixture.DEAD_AT_ONCE.withRowsMax(1))) {
            await().until(() -> ask("SELECT count(*) FROM lane WHERE trouble LIKE '%at their bound%'") == 1);
            ThreadMXBean threads = ManagementFactory.getThreadMXBean();
            long lane = Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> thread.getName().equals("outbox-lane-default/0"))
                    .findAny()
                    .orElseThrow()
                    .getId();
            long startedAt = System.nanoTime();
            long started = threads.getThreadCpuTime(lane);
            await().until(() ->
                    System.nanoTime() - startedAt > Duration.ofSeconds(2).toNanos());
            assertThat(Duration.ofNanos(threads.getThreadCpuTime(lane) - started))
                    .isLessThan(Duration.ofMillis(500));
            assertThat(relay.stopped()).isNotDone();
        }
    }

    /** What the relay remembers and what the table says differ then. */
    @Test
    void whatIsRefusedWhileAnOperatorsTransactionHasItIsTriedAgainAfterwards() throws SQLException {
        AtomicBoolean mended = new AtomicBoolean();
        ScriptedBroker broker =
                new ScriptedBroker((seq, attempt) -> seq <= 2 && !mended.get() ? Answer.REFUSE_AT_ONCE : Answer.ACCEPT);
        append(3, 1);
        try (Connection operator = fixture.connect();
                Statement statement = operator.createStatement();
                Relay relay = relay(broker, Order.PIPELINED, RelayFixture.DEAD_AT_ONCE)) {
            await().until(() -> ask("SELECT count(*) FROM parked WHERE state IN ('DEAD', 'HELD')") == 3);
            operator.setAutoCommit(false);
            statement.execute("SELECT FROM parked WHERE seq = 2 FOR UPDATE");
            execute("UPDATE parked SET state = 'RESOLVED', resolution = 'discarded: test', resolved_at = now()"
                    + " WHERE seq = 1");
            await().until(() -> broker.attempts(2) >= 2);
            operator.rollback();
            mended.set(true);
            awaitResolved(3);
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(broker.taken()).containsExactly(2L, 3L);
        assertThat(broker.attempts(2)).as("not again and again").isLessThan(20);
    }

    @Test
    void whatIsPublishedAndCannotBeWrittenKeepsNoTopicFromComingBack() throws SQLException {
        AtomicBoolean there = new AtomicBoolean();
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> {
            if (seq == 1) {
                return attempt == 1 ? Answer.REFUSE_AT_ONCE : Answer.ACCEPT;
            }
            return there.get() ? Answer.ACCEPT : Answer.NO_TOPIC_AT_ONCE;
        });
        append(1, 1);
        try (Connection operator = fixture.connect();
                Statement statement = operator.createStatement();
                Relay relay = relay(broker, Order.PIPELINED, RelayFixture.DEAD_AT_ONCE)) {
            await().until(() -> ask("SELECT count(*) FROM parked WHERE state = 'DEAD'") == 1);
            execute("UPDATE parked SET state = 'RETRYING', next_attempt_at = clock_timestamp() + interval '1 second'");
            operator.setAutoCommit(false);
            statement.execute("SELECT FROM parked FOR UPDATE");
            await().until(() -> broker.attempts(1) >= 2);
            append("payments", 3, 3);
            await().until(() -> ask("SELECT count(*) FROM parked WHERE state = 'WAITING'") == 3);
            there.set(true);
            await().until(() -> broker.taken().equals(List.of(1L, 2L, 3L, 4L)));
            operator.rollback();
            awaitResolved(4);
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(broker.attempts(1)).isEqualTo(2);
    }

    @Test
    void whatSomebodyDeletedIsNotWrittenDownAgainAndAgain() throws SQLException {
        ScriptedBroker broker =
                new ScriptedBroker((seq, attempt) -> attempt == 1 ? Answer.REFUSE_AT_ONCE : Answer.ACCEPT);
        append(1, 1);
        try (Connection operator = fixture.connect();
                Statement statement = operator.createStatement();
                Relay relay = relay(broker, Order.PIPELINED, RelayFixture.DEAD_AT_ONCE)) {
            await().until(() -> ask("SELECT count(*) FROM parked WHERE state = 'DEAD'") == 1);
            execute("UPDATE parked SET state = 'RETRYING', next_attempt_at = clock_timestamp() + interval '1 second'");
            operator.setAutoCommit(false);
            statement.execute("DELETE FROM parked");
            await().until(() -> broker.attempts(1) >= 2);
            operator.commit();
            await().until(() ->
                    ask("SELECT count(*) FROM checkpoint" + " WHERE made_at > clock_timestamp() - interval '2 seconds'")
                            == 0);
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(broker.taken()).containsExactly(1L);
    }
}
