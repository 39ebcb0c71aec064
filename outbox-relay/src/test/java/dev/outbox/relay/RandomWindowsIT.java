package dev.outbox.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.relay.broker.Message;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Transactions that overlap at random, read in windows whose pages change their size, and so their shape, from one to the
 * next, and whose position is reloaded as from a checkpoint: each committed row comes once, in order within its window.
 */
@ExtendWith(OutboxServers.class)
class RandomWindowsIT {

    private static final int STEPS = 1500;
    private static final int LANES = 3;

    private final RelayFixture fixture;

    RandomWindowsIT(TestDatabase database, KafkaServer kafka) {
        fixture = new RelayFixture(database, kafka);
    }

    private static final class Reading {
        final LaneKey lane;
        final List<Long> seen = new ArrayList<>();
        Position position = Position.START;
        long lastInWindow;

        Reading(LaneKey lane) {
            this.lane = lane;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void eachCommittedRowComesOnce(long seed) throws SQLException {
        fixture.reset();
        Random random = new Random(seed);
        List<Reading> readings = new ArrayList<>();
        readings.add(new Reading(new LaneKey("whole", 1, 0, 1)));
        for (int lane = 0; lane < LANES; lane++) {
            readings.add(new Reading(new LaneKey("split", 1, lane, LANES)));
        }
        List<Connection> writers = new ArrayList<>();
        try (Connection reader = fixture.database().openForLane(readings.get(0).lane, Duration.ofSeconds(10));
                Connection query = fixture.connect()) {
            for (int n = 0; n < 5; n++) {
                writers.add(fixture.connect());
                writers.get(n).setAutoCommit(false);
            }
            for (int step = 0; step < STEPS; step++) {
                Connection writer = writers.get(random.nextInt(writers.size()));
                switch (random.nextInt(8)) {
                    case 0, 1, 2 -> append(writer, random, random.nextInt(10) == 0 ? 200 : 1 + random.nextInt(8));
                    case 3 -> {
                        if (writer != writers.get(0) || random.nextInt(8) == 0) { // one stays open for long
                            writer.commit();
                        }
                    }
                    case 4 -> {
                        if (random.nextInt(4) == 0) {
                            writer.rollback();
                        }
                    }
                    default -> turn(reader, readings.get(random.nextInt(readings.size())), random);
                }
            }
            for (Connection writer : writers) {
                writer.commit();
            }
            for (Reading reading : readings) {
                for (int empty = 0; empty < 2; ) {
                    empty = turn(reader, reading, random) ? 0 : empty + 1;
                }
                assertThat(reading.seen)
                        .as("lane %s of %s", reading.lane, reading.lane.lanes())
                        .doesNotHaveDuplicates()
                        .containsExactlyInAnyOrderElementsOf(committed(query, reading.lane));
            }
        } finally {
            for (Connection writer : writers) {
                writer.close();
            }
        }
    }

    /** Opens a window, or reads a page with a size of its own. */
    private static boolean turn(Connection connection, Reading reading, Random random) throws SQLException {
        ChannelSettings settings = new ChannelSettings(
                reading.lane.channel(),
                1,
                1 + random.nextInt(60),
                1 << 20,
                8,
                1 << 20,
                Duration.ofSeconds(5),
                ChannelSettings.Order.PIPELINED,
                ChannelSettings.Parking.defaults());
        try (WindowReader reader = new WindowReader(connection, reading.lane, settings, 1 + random.nextInt(60))) {
            if (reading.position.window() == null) {
                Window window = reader.open(reading.position.published());
                if (window.empty()) {
                    reading.position = Position.at(window.snapshot());
                    return false;
                }
                reading.position = new Position(reading.position.published(), window, 0);
                reading.lastInWindow = 0;
                return true;
            }
            Page page = reader.page(reading.position);
            for (Message message : page.messages()) {
                assertThat(message.seq()).isGreaterThan(reading.lastInWindow);
                reading.lastInWindow = message.seq();
                reading.seen.add(message.seq());
            }
            reading.position = random.nextInt(4) == 0 ? reloaded(page.after()) : page.after();
            return true;
        }
    }

    /** What CheckpointStore makes of a position that it wrote and reads. */
    private static Position reloaded(Position position) {
        Window window = position.window();
        if (window == null) {
            return position;
        }
        Window.Bounds rest = new Window.Bounds(position.pageSeq() + 1, window.high(), Integer.MAX_VALUE);
        return new Position(
                position.published(), new Window(window.snapshot(), rest, Window.Bounds.NONE), position.pageSeq());
    }

    private static void append(Connection writer, Random random, int rows) throws SQLException {
        try (Statement statement = writer.createStatement()) {
            statement.execute("INSERT INTO message (channel, topic, key, type, payload)"
                    + " SELECT CASE (n + " + random.nextInt(3)
                    + ") % 3 WHEN 0 THEN 'other' WHEN 1 THEN 'whole' ELSE 'split' END,"
                    + " 't', CASE WHEN n % 4 = 0 THEN NULL ELSE 'k' || n % 7 END, 'a.b', '1' FROM generate_series(1, "
                    + rows + ") n");
        }
    }

    private static List<Long> committed(Connection connection, LaneKey lane) throws SQLException {
        List<Long> seqs = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT seq FROM message WHERE channel = '" + lane.channel()
                        + "' AND (coalesce(hashtextextended(key, 0), seq) & 9223372036854775807) % " + lane.lanes()
                        + " = " + lane.lane())) {
            while (rows.next()) {
                seqs.add(rows.getLong(1));
            }
        }
        return seqs;
    }
}
