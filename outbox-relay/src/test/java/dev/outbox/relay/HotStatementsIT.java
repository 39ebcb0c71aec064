package dev.outbox.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Looks at the plan of each statement that runs all the time, in an outbox of a million published messages: by index, and
 * reading no more pages than the answer needs.
 */
@ExtendWith(OutboxServers.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HotStatementsIT {

    private static final int PUBLISHED = 1_000_000;
    private static final int PAGE = 1000;
    private static final LaneKey LANE = new LaneKey("default", 1, 0, 1);
    private static final LaneKey ONE_OF_THREE = new LaneKey("default", 1, 1, 3);

    /** What a descent through every index of every segment costs, with an empty one or with a million rows. */
    private static final int DESCENTS_MAX = 60;

    private final RelayFixture fixture;

    HotStatementsIT(TestDatabase database, KafkaServer kafka) {
        fixture = new RelayFixture(database, kafka);
    }

    @BeforeAll
    void publishAMillion() throws SQLException {
        fixture.reset();
        try (Connection connection = fixture.connect();
                Statement statement = connection.createStatement()) {
            statement.execute(insert(PUBLISHED / 2, "old"));
            statement.execute("SELECT nextval('segment_seq')");
            statement.execute(insert(PUBLISHED / 2, "old"));
            statement.execute("INSERT INTO lane (channel, generation, lane, lanes, owner, epoch, lease_until)"
                    + " VALUES ('default', 1, 0, 1, 'r', 1, 'infinity')");
            statement.execute("""
                    INSERT INTO checkpoint (channel, generation, lane, no, snapshot, published, parked, relay, epoch,
                      system_identifier, timeline)
                    SELECT 'default', 1, 0, no, pg_current_snapshot(), no, 0, 'r', 1, 1, 1
                    FROM generate_series(1, 100000) no
                    """);
        }
    }

    @Test
    void anEmptyLookReadsAFewIndexPages() throws SQLException {
        try (Connection lane = lane()) {
            Snapshot published = now(lane);
            Plan plan = explain(lane, WindowReader.OPEN, open(published));
            assertThat(plan.scans()).allMatch(scan -> scan.contains("Index"));
            assertThat(plan.buffers()).isLessThan(DESCENTS_MAX);
        }
    }

    @Test
    void aLookWithOpenTransactionsReadsAFewIndexPages() throws SQLException {
        try (Connection lane = lane();
                Connection open = fixture.connect();
                Statement begin = open.createStatement();
                Statement statement = lane.createStatement()) {
            open.setAutoCommit(false);
            begin.execute(insert(1, "late"));
            statement.execute(insert(1, "after it"));
            Snapshot published = now(lane);
            assertThat(published.running()).isNotEqualTo("{}");
            open.commit();
            Plan plan = explain(lane, WindowReader.OPEN, open(published));
            assertThat(plan.scans()).allMatch(scan -> scan.contains("Index"));
            assertThat(plan.buffers()).isLessThan(DESCENTS_MAX);
        }
    }

    @Test
    void aSmallPageIsReadThroughTheTransactionIds() throws SQLException {
        try (Connection lane = lane();
                Statement statement = lane.createStatement()) {
            Snapshot published = now(lane);
            statement.execute(insert(PAGE, "small"));
            for (LaneKey key : List.of(LANE, ONE_OF_THREE)) {
                String xmax = Long.toUnsignedString(published.xmax());
                Plan plan = explain(
                        lane,
                        WindowReader.statement(Window.Shape.SMALL, key),
                        List.of(
                                xmax,
                                published.running(),
                                xmax,
                                "default",
                                now(lane).text()));
                assertThat(plan.scans()).allMatch(scan -> scan.contains("Index"));
                assertThat(plan.buffers()).isLessThan(DESCENTS_MAX + pagesOf(PAGE));
            }
        }
    }

    @Test
    void aPageOfALargeWindowIsReadThroughThePrimaryKey() throws SQLException {
        try (Connection lane = lane();
                Statement statement = lane.createStatement()) {
            Snapshot published = now(lane);
            long low = RelayFixture.number(lane, "SELECT last_value FROM message_seq");
            statement.execute(insert(20 * PAGE, "large"));
            List<String> arguments = List.of(
                    Long.toString(low),
                    Long.toString(low + 20 * PAGE),
                    "default",
                    published.text(),
                    now(lane).text(),
                    Integer.toString(PAGE));
            Plan plan = explain(lane, WindowReader.statement(Window.Shape.LARGE, LANE), arguments);
            assertThat(plan.scans()).allMatch(scan -> scan.contains("Index"));
            assertThat(plan.text()).doesNotContain("\"Sort\"");
            assertThat(plan.buffers()).isLessThan(DESCENTS_MAX + pagesOf(PAGE));
        }
    }

    @Test
    void aMixedPageDoesNotWalkTheGap() throws SQLException {
        try (Connection lane = lane();
                Connection late = fixture.connect();
                Statement lateStatement = late.createStatement();
                Statement statement = lane.createStatement()) {
            late.setAutoCommit(false);
            lateStatement.execute(insert(3, "late"));
            // far more than a page between the late rows and the fresh ones, all of it published
            statement.execute(insert(50 * PAGE, "gap"));
            Snapshot published = now(lane);
            long gap = RelayFixture.number(lane, "SELECT last_value FROM message_seq");
            late.commit();
            statement.execute(insert(2 * PAGE, "fresh"));
            Snapshot seen = now(lane);
            String xmax = Long.toUnsignedString(published.xmax());
            List<String> arguments = List.of(
                    published.running(),
                    xmax,
                    "0",
                    "default",
                    seen.text(),
                    Integer.toString(PAGE),
                    Long.toString(gap),
                    Long.toString(gap + 2 * PAGE),
                    xmax,
                    "default",
                    seen.text(),
                    Integer.toString(PAGE),
                    Integer.toString(PAGE));
            Plan plan = explain(lane, WindowReader.statement(Window.Shape.MIXED, LANE), arguments);
            assertThat(plan.scans()).allMatch(scan -> scan.contains("Index"));
            assertThat(plan.buffers()).isLessThan(2 * DESCENTS_MAX + pagesOf(PAGE));
            assertThat(plan.rows()).isEqualTo(PAGE);
        }
    }

    @Test
    void theNewestCheckpointIsFoundAtOnce() throws SQLException {
        try (Connection lane = lane()) {
            Plan plan = explain(lane, CheckpointStore.LOAD, List.of("default", "1", "0"));
            assertThat(plan.scans()).allMatch(scan -> scan.contains("Index"));
            assertThat(plan.buffers()).isLessThan(10);
        }
    }

    /** With 100,000 messages of 1,000 keys that wait for a topic, and as many that are held. */
    @Test
    void whatIsParkedIsReadThroughItsIndexesAndNotSorted() throws SQLException {
        try (Connection lane = lane();
                Statement statement = lane.createStatement()) {
            statement.execute("""
                    INSERT INTO parked (seq, id, channel, topic, key, type, version, occurred_at, source, content_type,
                      generation, lane, state, reason, held_by, next_attempt_at)
                    SELECT n, uuid_v7(), 'default', CASE WHEN n <= 100000 THEN 'gone' ELSE 'orders' END, 'k' || n % 1000, 'a.b',
                      '1.0', now(), 's', 'application/json', 1, 0,
                      CASE WHEN n <= 100000 THEN 'WAITING' WHEN n <= 101000 THEN 'RETRYING' ELSE 'HELD' END,
                      CASE WHEN n <= 101000 THEN 'TOPIC' END, CASE WHEN n > 101000 THEN n % 1000 + 1 END,
                      CASE WHEN n > 100000 AND n <= 100010 THEN now() END
                    FROM generate_series(1, 200000) n
                    """);
            String page = Integer.toString(PAGE);
            Plan waiting = explain(lane, forLane(ParkedMessages.WAITING), List.of("default", "gone", page));
            Plan due = explain(lane, forLane(ParkedMessages.DUE), List.of("default", "{gone}", page));
            Plan ofKeys = explain(
                    lane,
                    forLane(ParkedMessages.OF_KEYS),
                    List.of("{orders,orders}", "{k1,k2}", "default", page, page));
            for (Plan plan : List.of(waiting, due, ofKeys)) {
                assertThat(plan.scans()).allMatch(scan -> scan.contains("Index") || scan.equals("Function Scan"));
                assertThat(plan.buffers()).isLessThan(DESCENTS_MAX + 2L * PAGE);
            }
            assertThat(waiting.text()).doesNotContain("\"Sort\"");
            assertThat(waiting.rows()).isEqualTo(PAGE);
            assertThat(due.rows()).isEqualTo(10);
            assertThat(ofKeys.rows()).isEqualTo(200);
        }
    }

    @Test
    void aPageOfAReplayIsReadThroughThePrimaryKey() throws SQLException {
        try (Connection lane = lane();
                Statement statement = lane.createStatement()) {
            statement.execute("""
                    INSERT INTO replay (id, channel, first_seq, last_seq, rate, matched, requested_by, reason)
                    VALUES ('00000000-0000-7000-8000-000000000000', 'default', 1, 1000000, 1000, 0, 'o', 'why')
                    """);
            String snapshot = now(lane).text();
            List<String> arguments = List.of(
                    "500000",
                    "1000000",
                    snapshot,
                    snapshot,
                    "1000000",
                    Integer.toString(PAGE),
                    "00000000-0000-7000-8000-000000000000");
            Plan plan = explain(lane, forLane(Replays.PAGE), arguments);
            assertThat(plan.scans()).allMatch(scan -> scan.contains("Index"));
            assertThat(plan.rows()).isEqualTo(PAGE);
            assertThat(plan.buffers()).isLessThan(DESCENTS_MAX + 5L * PAGE); // each is looked for among the parked ones
        }
    }

    private static String forLane(String sql) {
        return WindowReader.forLane(sql, LANE);
    }

    private Connection lane() throws SQLException {
        return fixture.database().openForLane(LANE, Duration.ofSeconds(10));
    }

    private static Snapshot now(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT pg_current_snapshot()::text")) {
            row.next();
            return Snapshot.parse(row.getString(1));
        }
    }

    private static List<String> open(Snapshot published) {
        String xmax = Long.toUnsignedString(published.xmax());
        return List.of(xmax, published.running(), xmax);
    }

    private static String insert(int rows, String key) {
        return "INSERT INTO message (topic, key, type, source, payload) SELECT 'orders', '" + key
                + "' || n % 100, 'thing.happened', 'test', '{\"n\":1}' FROM generate_series(1, " + rows + ") n";
    }

    /** Heap and index pages that hold so many rows, with room to spare. */
    private static int pagesOf(int rows) {
        return rows / 10;
    }

    private record Plan(String text, long buffers, long rows, List<String> scans) {}

    /** Runs the statement as a prepared one, whose plan is made without knowing the arguments. */
    private static Plan explain(Connection connection, String sql, List<String> arguments) throws SQLException {
        AtomicInteger parameter = new AtomicInteger();
        String numbered = Pattern.compile("\\?").matcher(sql).replaceAll(mark -> "\\$" + parameter.incrementAndGet());
        try (Statement statement = connection.createStatement()) {
            statement.execute("PREPARE hot AS " + numbered);
            String values =
                    String.join(", ", arguments.stream().map(a -> "'" + a + "'").toList());
            try (PreparedStatement explain = connection.prepareStatement(
                            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE hot (" + values + ")");
                    ResultSet row = explain.executeQuery()) {
                row.next();
                String json = row.getString(1);
                return new Plan(
                        json,
                        first(json, "Shared Hit Blocks") + first(json, "Shared Read Blocks"),
                        first(json, "Actual Rows"),
                        scans(json));
            } finally {
                statement.execute("DEALLOCATE hot");
            }
        }
    }

    private static long first(String json, String field) {
        Matcher matcher = Pattern.compile("\"" + field + "\": (\\d+)").matcher(json);
        assertThat(matcher.find()).as(field).isTrue();
        return Long.parseLong(matcher.group(1));
    }

    private static List<String> scans(String json) {
        return Pattern.compile("\"Node Type\": \"([^\"]*Scan[^\"]*)\"")
                .matcher(json)
                .results()
                .map(result -> result.group(1))
                .filter(scan -> !scan.equals("Subquery Scan"))
                .toList();
    }
}
