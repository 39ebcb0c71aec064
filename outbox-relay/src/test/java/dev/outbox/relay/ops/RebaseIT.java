package dev.outbox.relay.ops;

import static dev.outbox.relay.Patience.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outbox.relay.ForeignPositionException;
import dev.outbox.relay.Patience;
import dev.outbox.relay.Relay;
import dev.outbox.relay.RelayException;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OutboxServers.class)
class RebaseIT {

    private static final Rebase.Request REQUEST = Rebase.Request.of("a test");

    private final TestOutbox outbox;
    private final String topic = KafkaServer.uniqueTopic("rebase");

    RebaseIT(TestDatabase database, KafkaServer kafka) {
        this.outbox = new TestOutbox(database, kafka);
    }

    @BeforeEach
    void emptyOutbox() {
        outbox.reset();
    }

    @Test
    void keepsThePositionAndPublishesNothingTwiceAfterAnUpgrade() throws SQLException {
        outbox.execute(TestOutbox.insert(topic, "k", 100));
        publishAll();
        outbox.execute("UPDATE checkpoint SET system_identifier = system_identifier + 1");
        outbox.execute(TestOutbox.insert(topic, "k", 10));
        assertThat(stopOf(outbox)).contains("another database cluster", "outbox rebase --keep-position");

        Rebase.Result dry =
                Rebase.run(outbox.database(), REQUEST.keepingPosition().asDryRun());
        assertThat(dry.lanes()).isEqualTo(1);
        assertThat(stopOf(outbox)).contains("another database cluster");

        Rebase.Result result = Rebase.run(outbox.database(), REQUEST.keepingPosition());
        assertThat(result.lanes()).isEqualTo(1);
        assertThat(result.generations()).containsExactly(Map.entry("default", 1));
        publishAll();
        outbox.execute(TestOutbox.insert(topic, "k", 1));
        publishAll();
        assertThat(outbox.published(topic, 111)).hasSize(111).doesNotHaveDuplicates();
    }

    @Test
    void beginsAnewWhenTheDatabaseIsBehindThePosition() throws SQLException {
        outbox.execute(TestOutbox.insert(topic, "k", 20));
        publishAll();
        outbox.execute("""
                UPDATE checkpoint
                SET snapshot = format('%1$s:%1$s:', pg_snapshot_xmax(snapshot)::text::bigint + 1000000)::pg_snapshot
                """);
        outbox.execute(TestOutbox.insert(topic, "k", 5));
        assertThat(stopOf(outbox)).contains("behind the saved position", "outbox rebase");

        assertThatThrownBy(() -> Rebase.run(outbox.database(), REQUEST.keepingPosition()))
                .isInstanceOf(RelayException.class)
                .hasMessageContaining("behind the saved position")
                .hasMessageContaining("without --keep-position");
        Rebase.Result result = Rebase.run(outbox.database(), REQUEST);
        assertThat(result.kept()).isEqualTo(25);
        publishAll();
        assertThat(outbox.published(topic, 45)).hasSize(45);
        assertThat(outbox.number("SELECT count(DISTINCT id) FROM message")).isEqualTo(25);
    }

    @Test
    void refusesWhileARelayRunsAndNamesIt() throws SQLException {
        outbox.execute(TestOutbox.insert(topic, "k", 3));
        try (Relay relay = outbox.relay()) {
            outbox.published(topic, 3);
            String owner = outbox.query("SELECT owner FROM lane").get(0);
            for (Rebase.Request request : List.of(REQUEST, REQUEST.keepingPosition(), REQUEST.asDryRun())) {
                assertThatThrownBy(() -> Rebase.run(outbox.database(), request))
                        .isInstanceOf(RelayException.class)
                        .hasMessageContaining(owner)
                        .hasMessageContaining("default/0");
            }
            outbox.execute(TestOutbox.insert(topic, "k", 1));
            assertThat(outbox.published(topic, 4)).hasSize(4);
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(outbox.number("SELECT max(generation) FROM lane")).isEqualTo(1);
    }

    @Test
    void refusesWhileTheLeaseOfADeadRelayRuns() throws SQLException {
        publishAll();
        outbox.execute("UPDATE lane SET owner = 'somebody', lease_until = clock_timestamp() + interval '1 hour'");
        assertThatThrownBy(() -> Rebase.run(outbox.database(), REQUEST))
                .hasMessageContaining("relay=somebody, lanes=[default/0]");
        outbox.execute("UPDATE lane SET lease_until = clock_timestamp() - interval '1 second'");
        assertThat(Rebase.run(outbox.database(), REQUEST).lanes()).isEqualTo(1);
    }

    @Test
    void givesUpWhenATransactionKeepsTheTableInUse() throws SQLException {
        publishAll();
        try (Connection writer = outbox.connect();
                Statement statement = writer.createStatement()) {
            writer.setAutoCommit(false);
            statement.execute(TestOutbox.insert(topic, "k", 1));
            assertThatThrownBy(() -> Rebase.run(outbox.database(), REQUEST))
                    .isInstanceOf(RelayException.class)
                    .hasMessageContaining("another transaction");
            writer.commit();
        }
        assertThat(outbox.number("SELECT max(generation) FROM lane")).isEqualTo(1);
        assertThat(Rebase.run(outbox.database(), REQUEST).kept()).isEqualTo(1);
    }

    @Test
    void choosesWhatMayNotHaveBeenPublishedAndTheTimeAskedFor() throws SQLException {
        outbox.execute(TestOutbox.insert(topic, "old", 30, "clock_timestamp() - interval '3 hours'"));
        outbox.execute(TestOutbox.insert(topic, "new", 20));
        try (Connection late = outbox.connect();
                Statement statement = late.createStatement()) {
            late.setAutoCommit(false);
            statement.execute(TestOutbox.insert(topic, "late", 7, "clock_timestamp() - interval '3 hours'"));
            publish(50);
            late.commit();
        }
        outbox.execute(TestOutbox.insert(topic, "after", 4, "clock_timestamp() - interval '3 hours'"));
        outbox.execute("INSERT INTO message (channel, topic, type, payload) VALUES ('misspelt', 'x', 'a.b', '1')");

        Rebase.Request request = REQUEST.asDryRun();
        assertThat(Rebase.run(outbox.database(), request).messages())
                .isEqualTo(Map.of(
                        Rebase.Fate.PUBLISHED, 30L,
                        Rebase.Fate.RECENT, 20L,
                        Rebase.Fate.UNPUBLISHED, 11L,
                        Rebase.Fate.NO_LANES, 1L));
        assertThat(Rebase.run(outbox.database(), request.publishingSince(Instant.now()))
                        .kept())
                .isEqualTo(12);
        assertThat(Rebase.run(
                                outbox.database(),
                                request.publishingSince(Instant.now().minus(Duration.ofHours(4))))
                        .dropped())
                .isZero();
        assertThat(Rebase.run(outbox.database(), request.publishingSince(Rebase.Request.ALL))
                        .dropped())
                .isZero();
        assertThat(outbox.number("SELECT count(*) FROM message")).isEqualTo(62);

        Rebase.run(outbox.database(), REQUEST);
        assertThat(outbox.number("SELECT count(*) FROM message")).isEqualTo(32);
        publishAll();
        assertThat(outbox.published(topic, 81)).hasSize(81);
    }

    @Test
    void appendsTheSameMessagesAgainByteForByteInTheirOrder() throws SQLException {
        outbox.execute("""
                INSERT INTO message (topic, key, type, version, correlation_id, causation_id, source, headers, payload)
                SELECT '%s', 'k' || n %% 3, 'thing.happened', '2.1', 'c' || n, 'd' || n, 's', '{"a" :  "b"}',
                  ('{"n" :  ' || n || ', "n": 1}')::json
                FROM generate_series(1, 100) n
                """.formatted(topic));
        outbox.execute("INSERT INTO message (topic, type, body, content_type) VALUES ('" + topic
                + "', 'a.b', '\\x00ff', 'application/avro')");
        publishAll();
        String content = "SELECT to_jsonb(m) - 'xid' - 'seq' - 'segment' || jsonb_build_object("
                + "'payload', payload::text, 'headers', headers::text) FROM message m ORDER BY seq";
        List<String> before = outbox.query(content);
        long last = outbox.number("SELECT max(seq) FROM message");
        long firstSegment = outbox.number("SELECT nextval('segment_seq')") % 4;

        Rebase.run(outbox.database(), REQUEST);

        assertThat(outbox.query(content)).isEqualTo(before).hasSize(101);
        assertThat(outbox.number("SELECT min(seq) FROM message")).isGreaterThan(last);
        assertThat(outbox.number("SELECT count(*) FROM message_" + firstSegment))
                .isEqualTo(101);
        assertThat(outbox.number("SELECT count(DISTINCT xid) FROM message")).isEqualTo(1);
    }

    @Test
    void parkedMessagesStayAndTheirKeysStayHeld() throws SQLException {
        outbox.execute("INSERT INTO message (topic, key, type, payload) VALUES ('" + topic
                + "', 'bad', 'a.b', to_json(repeat('x', 2000000)))");
        outbox.execute(TestOutbox.insert(topic, "bad", 2));
        outbox.execute(TestOutbox.insert(topic, "good", 2));
        try (Relay relay = outbox.relay()) {
            await().until(() -> outbox.number("SELECT count(*) FROM parked") == 3);
            outbox.published(topic, 2);
            assertThat(relay.stopped()).isNotDone();
        }

        Rebase.Result result = Rebase.run(outbox.database(), REQUEST);

        assertThat(result.messages()).isEqualTo(Map.of(Rebase.Fate.PARKED, 3L, Rebase.Fate.RECENT, 2L));
        assertThat(outbox.query("SELECT operation || ' ' || reason || ' ' || matched || ' ' || changed FROM audit"))
                .containsExactly("rebase " + REQUEST.reason() + " 5 2");
        outbox.execute(TestOutbox.insert(topic, "bad", 1));
        outbox.execute(TestOutbox.insert(topic, "good", 1));
        publishAll();
        assertThat(outbox.published(topic, 5)).hasSize(5);
        assertThat(outbox.query("SELECT state FROM parked ORDER BY seq"))
                .containsExactly("DEAD", "HELD", "HELD", "HELD");
    }

    @Test
    void putsWhatWasAppendedByASequenceThatBeganAnewBehindTheRestoredMessages() throws SQLException {
        outbox.execute(TestOutbox.insert(topic, "k", 3));
        publishAll();
        // As after a copy of the rows alone: numbers and transaction ids of another cluster, the sequence at its start.
        outbox.execute("""
                UPDATE message SET seq = seq + 1000, xid = '99000000000';
                UPDATE checkpoint SET system_identifier = 1, snapshot = '99000000001:99000000001:'
                  WHERE no = (SELECT max(no) FROM checkpoint);
                SELECT setval('message_seq', 1);
                """);
        outbox.execute(TestOutbox.insert(topic, "k", 3, "clock_timestamp() - interval '3 hours'"));
        String order = "SELECT id FROM message ORDER BY seq";
        List<String> ids = outbox.query("SELECT id FROM message ORDER BY xid::text::bigint < 99000000000, seq");
        outbox.execute("ALTER SEQUENCE segment_seq RESTART"); // copied without its value

        assertThatThrownBy(() -> Rebase.run(outbox.database(), REQUEST.keepingPosition()))
                .hasMessageContaining("behind the saved position");
        Rebase.Result result = Rebase.run(outbox.database(), REQUEST);

        assertThat(result.messages()).isEqualTo(Map.of(Rebase.Fate.RECENT, 3L, Rebase.Fate.WRITTEN_HERE, 3L));
        assertThat(outbox.query(order)).isEqualTo(ids);
        assertThat(outbox.number("SELECT min(seq) FROM message")).isGreaterThan(1003);
    }

    /** Runs a relay until nothing is pending. */
    private void publishAll() throws SQLException {
        try (Relay relay = outbox.relay()) {
            await().until(() -> outbox.number("""
                    SELECT count(*) FROM lane WHERE owner IS NOT NULL AND EXISTS (SELECT FROM checkpoint)
                    """) > 0);
            await().until(() -> outbox.number("SELECT count(*) FROM pending WHERE channel = 'default'") == 0);
            assertThat(relay.stopped()).isNotDone();
        }
    }

    private void publish(int count) {
        try (Relay relay = outbox.relay()) {
            outbox.published(topic, count);
            assertThat(relay.stopped()).isNotDone();
        }
    }

    /** What a relay says when it stops by itself. */
    private static String stopOf(TestOutbox outbox) {
        try (Relay relay = outbox.relay()) {
            relay.stopped().get(Patience.LONGEST.toSeconds(), TimeUnit.SECONDS);
            return "nothing";
        } catch (ExecutionException e) {
            assertThat(e).hasCauseInstanceOf(ForeignPositionException.class);
            return String.valueOf(e.getMessage());
        } catch (InterruptedException | TimeoutException e) {
            throw new AssertionError("Relay did not stop", e);
        }
    }
}
