package dev.outbox.relay.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.relay.Relay;
import dev.outbox.relay.ops.TestOutbox;
import dev.outbox.testkit.JavaProcess;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.PostgresOptions;
import dev.outbox.testkit.PostgresServer;
import dev.outbox.testkit.TestDatabase;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

/** The rows of one cluster are copied to another, as from a dump, without the sequences. */
@ExtendWith(OutboxServers.class)
class RestoredDatabaseIT {

    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String EARLIER = "clock_timestamp() - interval '3 hours'";

    @Test
    void theRelayStopsAndAfterARebaseNothingIsLost(TestDatabase database, KafkaServer kafka) throws Exception {
        String topic = KafkaServer.uniqueTopic("restored");
        TestOutbox original = new TestOutbox(database, kafka);
        fill(original, topic);
        try (PostgresServer server =
                        PostgresServer.start(PostgresOptions.defaults().asNativeOnly());
                TestDatabase restoredDatabase = server.createDatabase("restored")) {
            TestOutbox restored = new TestOutbox(restoredDatabase, kafka);
            restored.reset();
            copy(original, restored);
            // A service that was quicker than the operator. Its transaction ids look published in the copied position.
            restored.execute("SELECT setval('message_seq', 10000)");
            restored.execute(TestOutbox.insert(topic, "quick", 5, EARLIER));

            Application.Ended stopped = Application.run(Application.command(restoredDatabase, kafka, "run"));
            assertThat(stopped.exitCode()).as(stopped.output()).isEqualTo(ExitCode.OPERATOR_NEEDED);
            assertThat(stopped.output()).contains("another database cluster", "run 'outbox rebase'");
            Application.Ended check = Application.run(Application.command(restoredDatabase, kafka, "doctor"));
            assertThat(check.output()).containsPattern("FAILED +positions .*lanes=default/0; .*'outbox rebase'");

            Set<String> expected =
                    new HashSet<>(restored.query("SELECT id FROM message WHERE topic = '" + topic + "'"));
            expected.addAll(original.published(topic, 500));
            Application.Ended refused = Application.run(
                    Application.command(restoredDatabase, kafka, "rebase", "--keep-position", "--reason", "upgrade"));
            assertThat(refused.exitCode()).as(refused.output()).isEqualTo(ExitCode.FAILED);
            rebase(restoredDatabase, kafka);

            restored.execute(TestOutbox.insert(topic, "later", 20));
            expected.addAll(restored.query("SELECT id FROM message WHERE key = 'later'"));
            try (JavaProcess relay = JavaProcess.start(Application.command(restoredDatabase, kafka, "run"))) {
                // 500 before; then again the 200 recent ones, and for the first time 10 + 40 + 5 + 20.
                List<String> published = restored.published(topic, 500 + 200 + 10 + 40 + 5 + 20);
                assertThat(new HashSet<>(published)).isEqualTo(expected);
                assertThat(published).hasSize(775);
                assertThat(relay.stop(PATIENCE)).isZero();
            }
            assertThat(restored.number("SELECT count(*) FROM message WHERE channel = 'misspelt'"))
                    .isEqualTo(2);
        }
    }

    /** 300 messages published hours ago, 200 just now, 10 whose transaction ended after the relay, 40 after that. */
    private static void fill(TestOutbox outbox, String topic) throws SQLException {
        outbox.reset();
        // Here are far more transactions than in a fresh cluster, as in life.
        outbox.execute("DO $$BEGIN FOR n IN 1..3000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END$$");
        outbox.execute(TestOutbox.insert(topic, "early", 300, EARLIER));
        outbox.execute(TestOutbox.insert(topic, "recent", 200));
        try (Connection late = outbox.connect();
                Statement statement = late.createStatement()) {
            late.setAutoCommit(false);
            statement.execute(TestOutbox.insert(topic, "late", 10, EARLIER));
            try (Relay relay = outbox.relay()) {
                outbox.published(topic, 500);
                assertThat(relay.stopped()).isNotDone();
            }
            late.commit();
        }
        outbox.execute(TestOutbox.insert(topic, "unpublished", 40));
        outbox.execute("INSERT INTO message (channel, topic, type, payload)"
                + " SELECT 'misspelt', 'x', 'a.b', '1' FROM generate_series(1, 2)");
    }

    private static void copy(TestOutbox from, TestOutbox to) throws SQLException, IOException {
        to.execute("TRUNCATE message, segment_log, relay, lane, checkpoint, parked, attempt");
        try (Connection source = from.connect();
                Connection target = to.connect()) {
            CopyManager reader = source.unwrap(PGConnection.class).getCopyAPI();
            CopyManager writer = target.unwrap(PGConnection.class).getCopyAPI();
            for (String table : List.of("message", "segment_log", "relay", "lane", "checkpoint", "parked", "attempt")) {
                ByteArrayOutputStream rows = new ByteArrayOutputStream();
                reader.copyOut("COPY (SELECT * FROM " + table + ") TO STDOUT", rows);
                writer.copyIn("COPY " + table + " FROM STDIN", new ByteArrayInputStream(rows.toByteArray()));
            }
        }
    }

    private static void rebase(TestDatabase database, KafkaServer kafka) {
        Application.Ended dry = Application.run(
                Application.command(database, kafka, "rebase", "--dry-run", "--reason", "restored from a dump"));
        Application.Ended done =
                Application.run(Application.command(database, kafka, "rebase", "--reason", "restored from a dump"));
        assertThat(dry.exitCode()).as(dry.output()).isZero();
        assertThat(done.exitCode()).as(done.output()).isZero();
        assertThat(List.of(dry.output(), done.output()))
                .allSatisfy(output -> assertThat(output)
                        .contains("messages kept, to be published (again): 257")
                        .contains("50 not published as far as the saved position tells")
                        .contains("5 written after the position was saved or restored")
                        .contains("200 recent, may have been published before")
                        .contains("2 of a channel that no relay has served")
                        .contains("messages dropped: 300")
                        .contains("channel default: generation 2"));
        assertThat(dry.output()).contains("nothing was changed");
        assertThat(done.output()).contains("Relays may be started");
    }
}
