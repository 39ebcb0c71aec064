package dev.outbox.relay;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The statements that turn the ring of segments. On one connection, in autocommit mode but for the truncation. */
final class Segments {

    static final int COUNT = 4;

    private static final String LOCK =
            "SELECT pg_try_advisory_lock(hashtextextended(current_schema() || '.segments', 0))";

    private static final String HELD = """
            SELECT EXISTS (
              SELECT FROM pg_locks
              WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted)
            """;

    /** What a crash between the sequence and the log left undone. */
    private static final String CLOSE_IN_LOG = """
            UPDATE segment_log
            SET closed_at = clock_timestamp()
            WHERE closed_at IS NULL AND no < pg_sequence_last_value('segment_seq'::regclass)
            """;

    private static final String OPEN_IN_LOG = """
            INSERT INTO segment_log (no, segment)
            SELECT no, no % 4
            FROM (SELECT pg_sequence_last_value('segment_seq'::regclass) AS no) s
            ON CONFLICT (no) DO NOTHING
            """;

    private static final String CURRENT = """
            SELECT no, segment, extract(epoch FROM clock_timestamp() - opened_at),
              pg_total_relation_size(('message_' || segment)::regclass)
            FROM segment_log
            WHERE no = pg_sequence_last_value('segment_seq'::regclass)
            """;

    private static final String ROTATE = "SELECT nextval('segment_seq')";

    /** Every segment but the one in use that was last closed so long ago. */
    private static final String CLOSED_LONGER_THAN = """
            SELECT segment
            FROM segment_log
            WHERE segment <> pg_sequence_last_value('segment_seq'::regclass) % 4
            GROUP BY segment
            HAVING bool_and(closed_at IS NOT NULL)
              AND max(closed_at) < clock_timestamp() - ? * interval '1 millisecond'
            ORDER BY max(closed_at)
            """;

    private static final String IS_EMPTY = "SELECT NOT EXISTS (SELECT FROM message_%d)";

    /**
     * Whether a row is left that a lane has still to publish, with the snapshot in which that was seen. A lane without a
     * checkpoint has everything still to do.
     */
    private static final String CHECK = """
            WITH position AS (
              SELECT DISTINCT ON (l.channel, l.lane) l.channel, l.lane, l.lanes, c.snapshot
              FROM lane l
              LEFT JOIN LATERAL (
                SELECT snapshot
                FROM checkpoint c
                WHERE c.channel = l.channel AND c.generation = l.generation AND c.lane = l.lane
                ORDER BY no DESC
                LIMIT 1
              ) c ON true
              WHERE l.generation = (SELECT max(generation) FROM lane g WHERE g.channel = l.channel)
            )
            SELECT pg_current_snapshot()::text, EXISTS (
              SELECT FROM position p
              WHERE p.snapshot IS NULL
                OR EXISTS (
                  SELECT FROM message_%1$d m
                  WHERE m.xid >= pg_snapshot_xmax(p.snapshot) AND m.channel = p.channel
                    AND (p.lanes = 1
                      OR (coalesce(hashtextextended(m.key, 0), m.seq) & 9223372036854775807) %% p.lanes = p.lane))
                OR EXISTS (
                  SELECT FROM pg_snapshot_xip(p.snapshot) x
                  JOIN message_%1$d m ON m.xid = x
                  WHERE m.channel = p.channel
                    AND (p.lanes = 1
                      OR (coalesce(hashtextextended(m.key, 0), m.seq) & 9223372036854775807) %% p.lanes = p.lane))
            )
            """;

    /** Reads the whole segment, so it is asked last. */
    private static final String HAS_UNSERVED =
            "SELECT EXISTS (SELECT FROM message_%d WHERE channel NOT IN (SELECT channel FROM lane))";

    /** What the check could not see because it was not committed yet; asked with the table locked. */
    private static final String CHECK_AGAIN = """
            SELECT EXISTS (SELECT FROM message_%1$d WHERE xid >= ?)
              OR EXISTS (SELECT FROM message_%1$d WHERE xid = ANY (?))
            """;

    /** Who has appended to the segment holds a lock on it until the end of the transaction; readers come and go. */
    private static final String IS_OPEN = """
            SELECT EXISTS (
              SELECT FROM pg_locks
              WHERE relation = 'message_%d'::regclass
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND mode <> 'AccessShareLock'
                AND pid <> pg_backend_pid())
            """;

    private static final String LOG_TRUNCATION = """
            UPDATE segment_log
            SET truncated_at = clock_timestamp()
            WHERE segment = ? AND closed_at IS NOT NULL AND truncated_at IS NULL
            """;

    private static final String LOCK_TIMEOUT_STATE = "55P03";

    /** What came of an attempt to empty a segment. */
    enum Truncation {
        DONE,
        UNPUBLISHED,
        NO_LANES,
        /** Somebody who appended to it has not ended yet; nothing was asked for. */
        IN_USE,
        /** The lock did not come in time. */
        LOCKED
    }

    /** The segment in use. */
    record Current(long no, int segment, Duration age, long bytes, boolean empty) {}

    private final Connection connection;

    Segments(Connection connection) {
        this.connection = connection;
    }

    /** Becomes the only one who turns the ring, or finds that it already is; held until the connection ends. */
    boolean lock() throws SQLException {
        return ask(HELD) || ask(LOCK);
    }

    /** Brings the log up to what the sequence says. */
    void repairLog() throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate(CLOSE_IN_LOG);
            statement.executeUpdate(OPEN_IN_LOG);
        }
    }

    Current current() throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(CURRENT)) {
            row.next();
            Duration age = Duration.ofMillis((long) (row.getDouble(3) * 1000));
            int segment = row.getInt(2);
            return new Current(row.getLong(1), segment, age, row.getLong(4), isEmpty(segment));
        }
    }

    boolean isEmpty(int segment) throws SQLException {
        return ask(IS_EMPTY.formatted(segment));
    }

    /** Has writers use the next segment from now on; nobody waits. Returns its number. */
    long rotate() throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(ROTATE)) {
            row.next();
            long no = row.getLong(1);
            repairLog();
            return no;
        }
    }

    /** Segments that are not in use, hold rows, and were last closed so long ago; the oldest first. */
    List<Integer> closedLongerThan(Duration retention) throws SQLException {
        List<Integer> closed = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(CLOSED_LONGER_THAN)) {
            statement.setLong(1, retention.toMillis());
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    closed.add(rows.getInt(1));
                }
            }
        }
        List<Integer> filled = new ArrayList<>();
        for (int segment : closed) {
            if (!isEmpty(segment)) {
                filled.add(segment);
            }
        }
        return filled;
    }

    /**
     * Empties a closed segment if everything in it is published. The lock is not even asked for while somebody has the
     * segment open, and then waited for at most 20 ms, since everybody waits behind it.
     */
    Truncation truncate(int segment) throws SQLException {
        if (ask(IS_OPEN.formatted(segment))) {
            return Truncation.IN_USE;
        }
        Snapshot seen;
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(CHECK.formatted(segment))) {
            row.next();
            seen = Snapshot.parse(row.getString(1));
            if (row.getBoolean(2)) {
                return Truncation.UNPUBLISHED;
            }
        }
        if (ask(HAS_UNSERVED.formatted(segment))) {
            return Truncation.NO_LANES;
        }
        connection.setAutoCommit(false);
        try {
            Truncation result = truncateLocked(segment, seen);
            if (result == Truncation.DONE) {
                connection.commit();
            } else {
                connection.rollback();
            }
            return result;
        } catch (SQLException e) {
            connection.rollback();
            if (LOCK_TIMEOUT_STATE.equals(e.getSQLState())) {
                return Truncation.LOCKED;
            }
            throw e;
        } finally {
            connection.setAutoCommit(true);
        }
    }

    private Truncation truncateLocked(int segment, Snapshot seen) throws SQLException {
        try (Statement statement = connection.createStatement();
                PreparedStatement checkAgain = connection.prepareStatement(CHECK_AGAIN.formatted(segment));
                PreparedStatement log = connection.prepareStatement(LOG_TRUNCATION)) {
            statement.execute("SET LOCAL lock_timeout = '20ms'");
            // Without statistics a scan of the whole table looks cheap, and everybody would wait for it.
            statement.execute("SET LOCAL enable_seqscan = off");
            // Waits for writers that still have the segment open; from here on nobody can add to it.
            statement.execute("LOCK TABLE message_" + segment + " IN ACCESS EXCLUSIVE MODE");
            WindowReader.setUntyped(checkAgain, 1, Long.toUnsignedString(seen.xmax()));
            WindowReader.setUntyped(checkAgain, 2, seen.running());
            try (ResultSet row = checkAgain.executeQuery()) {
                row.next();
                if (row.getBoolean(1)) {
                    return Truncation.UNPUBLISHED;
                }
            }
            statement.execute("TRUNCATE message_" + segment);
            log.setInt(1, segment);
            log.executeUpdate();
            return Truncation.DONE;
        }
    }

    private boolean ask(String question) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(question)) {
            row.next();
            return row.getBoolean(1);
        }
    }
}
