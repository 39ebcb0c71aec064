package dev.outbox.relay;

import static dev.outbox.relay.Patience.await;
import static dev.outbox.relay.RelayFixture.append;
import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.relay.ScriptedBroker.Answer;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import dev.outbox.testkit.TopicReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What was published goes out once more when an operator asks for it. */
@ExtendWith(OutboxServers.class)
class ReplayIT {

    private final RelayFixture fixture;
    private final String topic = KafkaServer.uniqueTopic("replayed");

    ReplayIT(TestDatabase database, KafkaServer kafka) {
        fixture = new RelayFixture(database, kafka);
    }

    @BeforeEach
    void emptyOutbox() throws SQLException {
        fixture.reset();
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

    private void awaitPublished() {
        await().until(() -> ask("SELECT count(*) FROM pending") == 0);
    }

    /** @param columns further columns of the request, each with a comma before it, and their values */
    private void requestReplay(String columns, String values) throws SQLException {
        execute("INSERT INTO replay (channel, first_seq, last_seq, rate, matched, requested_by, reason" + columns
                + ") VALUES ('default', 1, (SELECT max(seq) FROM message), 100000, 0, 'test', 'test'" + values + ")");
    }

    private void awaitState(String state) {
        await().until(() -> ask("SELECT count(*) FROM replay WHERE state = '" + state + "'") == 1);
    }

    @Test
    void whatIsAskedForGoesOutOnceMoreInOrderToAnotherTopicAndSaysSo() throws SQLException {
        String elsewhere = KafkaServer.uniqueTopic("elsewhere");
        try (Connection writer = fixture.connect();
                TopicReader reader = fixture.read(elsewhere);
                Relay relay = fixture.relay(
                        RelayFixture.UNHURRIED, ChannelSettings.of("default").withLanes(2))) {
            for (int n = 1; n <= 90; n++) {
                append(writer, topic, "k" + n % 3, String.valueOf(n));
            }
            awaitPublished();
            requestReplay(", to_topic, key", ", '" + elsewhere + "', 'k1'");
            awaitState("DONE");
            List<String> values = reader.await(30).stream()
                    .map(read -> TopicReader.value(read).orElseThrow())
                    .toList();
            assertThat(values)
                    .extracting(value -> value.replaceAll(".*\"data\":(\\d+)}", "$1"))
                    .isEqualTo(IntStream.rangeClosed(0, 29)
                            .mapToObj(n -> String.valueOf(3 * n + 1))
                            .toList());
            try (Statement statement = writer.createStatement();
                    var row = statement.executeQuery("SELECT id::text FROM replay")) {
                row.next();
                String id = row.getString(1);
                assertThat(reader.await(30)).allMatch(read -> id.equals(TopicReader.header(read, "replay-id")));
            }
            assertThat(ask("SELECT sum(published) FROM replay_lane")).isEqualTo(30);
            assertThat(ask("SELECT count(*) FROM replay_lane WHERE finished_at IS NOT NULL"))
                    .isEqualTo(2);
            assertThat(
                            ask(
                                    "SELECT sum(published) FROM (SELECT max(published) AS published FROM checkpoint GROUP BY lane) c"))
                    .as("published for the first time")
                    .isEqualTo(90);
            assertThat(reader.await(30)).hasSize(30);
            assertThat(relay.stopped()).isNotDone();
        }
    }

    @Test
    void whatIsParkedIsNotReplayedAndARefusedReplayParksNothing() throws SQLException {
        // 1 is refused for good; 3 only when it comes for the second time.
        ScriptedBroker broker = new ScriptedBroker(
                (seq, attempt) -> seq == 1 || (seq == 3 && attempt > 1) ? Answer.REFUSE_AT_ONCE : Answer.ACCEPT);
        ChannelSettings channel = ChannelSettings.of("default").withParking(RelayFixture.DEAD_AT_ONCE);
        try (Connection writer = fixture.connect();
                Relay relay = fixture.relay(Map.of(channel, broker))) {
            for (int n = 1; n <= 4; n++) {
                append(writer, topic, "k" + n, String.valueOf(n));
            }
            awaitPublished();
            requestReplay("", "");
            awaitState("DONE");
            assertThat(broker.taken()).containsExactly(2L, 3L, 4L, 2L, 4L);
            assertThat(ask("SELECT refused FROM replay_lane WHERE last_error LIKE '%refused at once%'"))
                    .isEqualTo(1);
            assertThat(ask("SELECT count(*) FROM parked")).isEqualTo(1);
            append(writer, topic, "k3", "5");
            await().until(() -> broker.taken().contains(5L));
            assertThat(relay.stopped()).isNotDone();
        }
    }

    @Test
    void aReplayToAMissingTopicFailsAndHoldsNobody() throws SQLException {
        ScriptedBroker broker =
                new ScriptedBroker((seq, attempt) -> seq <= 2 && attempt > 1 ? Answer.NO_TOPIC : Answer.ACCEPT);
        try (Connection writer = fixture.connect();
                Relay relay = fixture.relay(Map.of(ChannelSettings.of("default"), broker))) {
            append(writer, topic, "k", "1");
            append(writer, topic, "k", "2");
            awaitPublished();
            requestReplay("", "");
            awaitState("FAILED");
            assertThat(ask("SELECT count(*) FROM replay WHERE error = 'Scripted: no topic'"))
                    .isEqualTo(1);
            append(writer, topic, "k", "3");
            await().until(() -> broker.taken().contains(3L));
            assertThat(ask("SELECT count(*) FROM parked")).isZero();
            assertThat(relay.stopped()).isNotDone();
        }
    }

    @Test
    void aReplayIsNoFasterThanAskedAndEndsWhenItIsCancelled() throws SQLException {
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> Answer.ACCEPT);
        try (Connection writer = fixture.connect();
                Relay relay = fixture.relay(Map.of(ChannelSettings.of("default"), broker))) {
            for (int n = 1; n <= 200; n++) {
                append(writer, topic, "k", "1");
            }
            awaitPublished();
            long started = System.nanoTime();
            execute("INSERT INTO replay (channel, first_seq, last_seq, rate, matched, requested_by, reason)"
                    + " VALUES ('default', 1, 200, 20, 200, 'test', 'test')");
            await().until(() -> broker.taken().size() >= 212);
            int replayed = broker.taken().size() - 200;
            Duration took = Duration.ofNanos(System.nanoTime() - started);
            assertThat(replayed).isLessThanOrEqualTo((int) (20 * took.toMillis() / 1000) + 4);
            execute("UPDATE replay SET state = 'CANCELLED', finished_at = now()");
            requestReplay(", type", ", 'nobody.asked'");
            awaitState("DONE");
            assertThat(broker.taken()).hasSizeLessThan(400);
            assertThat(relay.stopped()).isNotDone();
        }
    }

    @Test
    void anotherOwnerGoesOnWhereTheFirstStopped() throws SQLException {
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> Answer.ACCEPT);
        try (Connection writer = fixture.connect()) {
            try (Relay relay = fixture.relay(Map.of(ChannelSettings.of("default"), broker))) {
                for (int n = 1; n <= 100; n++) {
                    append(writer, topic, "k", "1");
                }
                awaitPublished();
                execute("INSERT INTO replay (channel, first_seq, last_seq, rate, matched, requested_by, reason)"
                        + " VALUES ('default', 1, 100, 50, 100, 'test', 'test')");
                await().until(() -> broker.taken().size() >= 110);
                assertThat(relay.stopped()).isNotDone();
            }
            execute("UPDATE replay SET rate = 10000");
            try (Relay relay = fixture.relay(Map.of(ChannelSettings.of("default"), broker))) {
                awaitState("DONE");
                assertThat(relay.stopped()).isNotDone();
            }
        }
        assertThat(broker.taken().subList(100, 200)).isEqualTo(broker.taken().subList(0, 100));
        assertThat(broker.taken()).hasSize(200);
    }
}
