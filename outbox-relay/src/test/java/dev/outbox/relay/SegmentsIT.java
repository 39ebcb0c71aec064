package dev.outbox.relay;

import static dev.outbox.relay.Patience.await;
import static dev.outbox.relay.RelayFixture.append;
import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.relay.RelaySettings.SegmentSettings;
import dev.outbox.relay.Segments.Truncation;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import dev.outbox.testkit.TopicReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OutboxServers.class)
class SegmentsIT {

    private final RelayFixture fixture;
    private final String topic = KafkaServer.uniqueTopic("segments");
    private Connection writer;
    private Connection keeper;
    private Segments segments;

    SegmentsIT(TestDatabase database, KafkaServer kafka) {
        fixture = new RelayFixture(database, kafka);
    }

    @BeforeEach
    void emptyOutbox() throws SQLException {
        fixture.reset();
        writer = fixture.connect();
        keeper = fixture.connect();
        segments = new Segments(keeper);
    }

    @AfterEach
    void disconnect() throws SQLException {
        writer.close();
        keeper.close();
    }

    @Test
    void writersUseTheNextSegmentOnceItIsRotated() throws SQLException {
        append(writer, topic, "k", "1");
        assertThat(segments.rotate()).isEqualTo(1);
        append(writer, topic, "k", "2");
        assertThat(number(writer, "SELECT count(*) FROM message_0")).isEqualTo(1);
        assertThat(number(writer, "SELECT count(*) FROM message_1")).isEqualTo(1);
        assertThat(number(writer, "SELECT count(*) FROM segment_log WHERE no = 0 AND closed_at IS NOT NULL"))
                .isEqualTo(1);
        assertThat(segments.current().segment()).isEqualTo(1);
    }

    @Test
    void aCrashBetweenRotationAndLogIsRepaired() throws SQLException {
        number(writer, "SELECT nextval('segment_seq')");
        segments.repairLog();
        assertThat(segments.current().no()).isEqualTo(1);
        assertThat(number(writer, "SELECT count(*) FROM segment_log WHERE closed_at IS NULL"))
                .isEqualTo(1);
    }

    @Test
    void aSegmentWithUnpublishedMessagesStays() throws SQLException {
        append(writer, topic, "k", "1");
        lane("3:3:");
        segments.rotate();
        assertThat(segments.truncate(0)).isEqualTo(Truncation.UNPUBLISHED);
        assertThat(number(writer, "SELECT count(*) FROM message_0")).isEqualTo(1);
    }

    @Test
    void aSegmentWhoseMessagesWereStillRunningInTheCheckpointStays() throws SQLException {
        writer.setAutoCommit(false);
        append(writer, topic, "k", "1");
        try (Connection other = fixture.connect()) {
            append(other, topic, "k", "2");
            lane(text(other, "SELECT pg_current_snapshot()"));
        }
        segments.rotate();
        writer.commit();
        assertThat(segments.truncate(0)).isEqualTo(Truncation.UNPUBLISHED);
    }

    @Test
    void aSegmentWhoseLaneNeverMadeACheckpointStays() throws SQLException {
        append(writer, topic, "k", "1");
        try (Statement statement = writer.createStatement()) {
            statement.execute("INSERT INTO lane (channel, generation, lane, lanes) VALUES ('default', 1, 0, 1)");
        }
        segments.rotate();
        assertThat(segments.truncate(0)).isEqualTo(Truncation.UNPUBLISHED);
    }

    @Test
    void aMessageOfAChannelThatNobodyServesIsNotThrownAway() throws SQLException {
        append(writer, topic, "k", "1");
        try (Statement statement = writer.createStatement()) {
            statement.execute(
                    "INSERT INTO message (channel, topic, type, payload) VALUES ('defualt', 'orders', 'a.b', '1')");
        }
        lane(text(writer, "SELECT pg_current_snapshot()"));
        segments.rotate();
        assertThat(segments.truncate(0)).isEqualTo(Truncation.NO_LANES);
    }

    @Test
    void aPublishedSegmentIsEmptiedOnceItsWritersAreGone() throws SQLException {
        append(writer, topic, "k", "1");
        lane(text(writer, "SELECT pg_current_snapshot()"));
        // Still open on the segment when it is closed, and it appends to it.
        writer.setAutoCommit(false);
        append(writer, topic, "k", "2");
        segments.rotate();
        assertThat(segments.truncate(0)).isEqualTo(Truncation.IN_USE);
        writer.commit();
        assertThat(segments.truncate(0)).isEqualTo(Truncation.UNPUBLISHED);
        lane(text(writer, "SELECT pg_current_snapshot()"));
        writer.commit();
        assertThat(segments.truncate(0)).isEqualTo(Truncation.DONE);
        assertThat(number(writer, "SELECT count(*) FROM message")).isZero();
        assertThat(number(writer, "SELECT count(*) FROM segment_log WHERE truncated_at IS NOT NULL"))
                .isEqualTo(1);
    }

    @Test
    void aRunningRelayTurnsTheRing() throws SQLException {
        SegmentSettings quick = SegmentSettings.ofRetention(Duration.ofMillis(600))
                .withRotateAfter(Duration.ofMillis(200))
                .withCheckInterval(Duration.ofMillis(50));
        try (TopicReader reader = fixture.read(topic);
                Relay relay =
                        fixture.relay(RelayFixture.UNHURRIED.withSegments(quick), ChannelSettings.of("default"))) {
            for (int n = 1;
                    number(writer, "SELECT count(*) FROM segment_log WHERE truncated_at IS NOT NULL") < 6
                            || number(writer, "SELECT max(no) FROM segment_log") <= 6;
                    n++) {
                append(writer, topic, "k", String.valueOf(n));
                reader.await(n);
            }
            int all = reader.count();
            await().until(() -> number(writer, "SELECT count(*) FROM message") < all);
            // The last message is written down as published a moment after it was.
            await().until(() -> number(writer, "SELECT count(*) FROM pending") == 0);
            assertThat(relay.stopped()).isNotDone();
        }
    }

    private void lane(String snapshot) throws SQLException {
        try (Statement statement = writer.createStatement()) {
            statement.execute("INSERT INTO lane (channel, generation, lane, lanes) VALUES ('default', 1, 0, 1)"
                    + " ON CONFLICT DO NOTHING");
            statement.execute("""
                    INSERT INTO checkpoint (channel, generation, lane, no, snapshot, published, parked, relay, epoch,
                      system_identifier, timeline)
                    SELECT 'default', 1, 0, coalesce(max(no), 0) + 1, '%s', 0, 0, 'r', 1, 1, 1
                    FROM checkpoint
                    """.formatted(snapshot));
        }
    }

    private static String text(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                java.sql.ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }
}
