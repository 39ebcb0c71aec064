package dev.outbox.relay;

import static dev.outbox.relay.RelayFixture.append;
import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.testkit.KafkaOptions;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.PostgresOptions;
import dev.outbox.testkit.PostgresServer;
import dev.outbox.testkit.TopicReader;
import dev.outbox.testkit.history.Append;
import dev.outbox.testkit.history.Delivery;
import dev.outbox.testkit.history.History;
import dev.outbox.testkit.history.HistoryChecker;
import dev.outbox.testkit.history.HistoryReport;
import dev.outbox.testkit.history.Outcome;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/**
 * Why a position that was never written down dies with its connection: PostgreSQL gives out transaction ids anew that only
 * aborted transactions had used before a crash, since nothing flushes their abort. A relay that kept its snapshot takes
 * the new owner's row for published.
 */
class KeptPositionIT {

    private static final String TOPIC = "kept";
    private static final int CRASHES_MAX = 30;
    private static final int ABORTED = 50;
    private static final LaneKey LANE = new LaneKey("default", 1, 0, 1);

    @Test
    void aRelayThatKeepsItsPositionOverACrashLosesAMessageAndOursDoesNot() throws Exception {
        // The writer of the log sleeps, so that what is not flushed by a commit is lost in the crash for certain.
        PostgresOptions options = PostgresOptions.defaults().asNativeOnly().withSetting("wal_writer_delay", "10s");
        try (PostgresServer postgres = PostgresServer.start(options);
                KafkaServer kafka = KafkaServer.start(KafkaOptions.defaults().asNativeOnly())) {
            RelayFixture fixture = new RelayFixture(postgres.createDatabase("kept"), kafka);
            fixture.reset();
            History kept = new History(Clock.systemUTC());
            History ours = new History(Clock.systemUTC());
            try (Relay relay = fixture.relay();
                    TopicReader reader = fixture.read(TOPIC)) {
                appendNext(fixture, 1, kept, ours);
                reader.await(1);
                Position position = pollKeeping(fixture, Position.START, kept);
                NavigableSet<Long> aborted = Collections.emptyNavigableSet();
                long committed = -1;
                // What the relay commits meanwhile may flush the aborts, and then no id is given out again; and after
                // the
                // crash it takes some of them itself.
                for (int tries = 0, n = 2; tries < CRASHES_MAX && !aborted.contains(committed); tries++) {
                    aborted = abortSome(fixture);
                    position = pollKeeping(fixture, position, kept);
                    postgres.kill();
                    postgres.restart();
                    do {
                        committed = appendNext(fixture, n++, kept, ours);
                    } while (!aborted.contains(committed) && committed < aborted.last());
                }
                assertThat(aborted)
                        .as("transaction ids one of which was given out again")
                        .contains(committed);
                position = pollKeeping(fixture, position, kept);
                assertThat(position.window()).isNull();
                assertThat(kept.deliveredCount())
                        .as("what the keeping relay saw")
                        .isPositive();
                deliverAll(reader, ours);
                assertThat(relay.stopped()).isNotDone();
            }
            HistoryReport keptReport = HistoryChecker.check(kept);
            assertThat(keptReport.lost())
                    .as("lost by the relay that keeps its position")
                    .isPositive();
            assertThat(HistoryChecker.check(ours).assertClean().lost()).isZero();
        }
    }

    /** A window and its pages, as the relay reads them, but from a position that outlived the connection it was read on. */
    private static Position pollKeeping(RelayFixture fixture, Position from, History history) throws SQLException {
        try (Connection connection = fixture.database().openForLane(LANE, Duration.ofSeconds(10));
                WindowReader reader = new WindowReader(connection, LANE, ChannelSettings.of("default"), 1000)) {
            Window window = reader.open(from.published());
            if (window.empty()) {
                return Position.at(window.snapshot());
            }
            Page page = reader.page(new Position(from.published(), window, 0));
            page.messages()
                    .forEach(message -> history.delivered(Delivery.of(
                            UUID.fromString(message.idText()),
                            message.topic(),
                            message.keyText(),
                            Objects.requireNonNull(message.payload()),
                            0,
                            message.seq(),
                            Instant.now())));
            return page.after();
        }
    }

    /** Transactions that take an id each, are seen to have ended, and leave nothing behind. */
    private static NavigableSet<Long> abortSome(RelayFixture fixture) throws SQLException {
        NavigableSet<Long> xids = new TreeSet<>();
        try (Connection connection = fixture.connect()) {
            connection.setAutoCommit(false);
            for (int n = 0; n < ABORTED; n++) {
                append(connection, TOPIC, "k", "\"rolled back\"");
                xids.add(number(connection, "SELECT pg_current_xact_id()::text::bigint"));
                connection.rollback();
            }
        }
        return xids;
    }

    private static long appendNext(RelayFixture fixture, int position, History... histories) throws SQLException {
        UUID id = UUID.randomUUID();
        String payload = String.valueOf(position);
        try (Connection connection = fixture.connect()) {
            connection.setAutoCommit(false);
            for (History history : histories) {
                history.appended(
                        Append.of(id, TOPIC, "k", position, payload.getBytes(StandardCharsets.UTF_8), Instant.now()));
            }
            try (PreparedStatement insert = connection.prepareStatement(
                    "INSERT INTO message (id, topic, key, type, payload) VALUES (?, ?, 'k', 'a.b', ?::json)")) {
                insert.setObject(1, id);
                insert.setString(2, TOPIC);
                insert.setString(3, payload);
                insert.executeUpdate();
            }
            long xid = number(connection, "SELECT pg_current_xact_id()::text::bigint");
            connection.commit();
            for (History history : histories) {
                history.finished(Outcome.COMMITTED, List.of(id));
            }
            return xid;
        }
    }

    private static void deliverAll(TopicReader reader, History history) {
        int read = 0;
        while (!history.awaitDrained(Duration.ofMillis(1))) {
            var records = reader.await(read + 1);
            for (var each : records.subList(read, records.size())) {
                String value = TopicReader.value(each).orElseThrow();
                String payload = value.substring(value.indexOf("\"data\":") + 7, value.length() - 1);
                history.delivered(Delivery.of(
                        UUID.fromString(TopicReader.header(each, "event-id")),
                        each.topic(),
                        "k",
                        payload.getBytes(StandardCharsets.UTF_8),
                        each.partition(),
                        each.offset(),
                        Instant.now()));
            }
            read = records.size();
        }
    }
}
