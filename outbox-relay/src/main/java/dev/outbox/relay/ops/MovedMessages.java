package dev.outbox.relay.ops;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;

/** Appends messages again that may not have been published, throws the others away, and begins a new generation. */
final class MovedMessages {

    /** All children. Who appends waits from here on. */
    private static final String LOCK_MESSAGES = "LOCK TABLE message IN ACCESS EXCLUSIVE MODE";

    /** Everything but what an append makes anew, so that a column of a later version is not forgotten. */
    private static final String COLUMNS = """
            SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
            FROM pg_attribute
            WHERE attrelid = 'message'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
              AND attname NOT IN ('xid', 'seq', 'segment')
            """;

    /**
     * The fate of each message. A message is dropped only if every lane of its channel sees it in its saved snapshot, and
     * it is older than the time asked for, and its transaction did not run here after the checkpoint was written here: a
     * database that was restored gives out low transaction ids, which look published in a position from elsewhere.
     * rebase_late: whether it was appended here by a sequence that had begun anew, so after those with higher numbers.
     */
    private static final String FATES = """
            SELECT m.*, CASE
                WHEN EXISTS (SELECT FROM parked p WHERE p.seq = m.seq AND p.id = m.id) THEN 'PARKED'
                WHEN c.channel IS NULL THEN 'NO_LANES'
                WHEN c.unwritten OR EXISTS (
                  SELECT FROM rebase_position p
                  WHERE p.channel = m.channel AND NOT pg_visible_in_snapshot(m.xid, p.snapshot)) THEN 'UNPUBLISHED'
                WHEN m.xid >= c.written_xid AND m.xid < n.xmax THEN 'WRITTEN_HERE'
                WHEN m.occurred_at >= coalesce(?::timestamptz, c.since) THEN 'RECENT'
                ELSE 'PUBLISHED'
              END AS rebase_fate,
              n.sequence_behind AND m.xid >= n.written_xid AND m.xid < n.xmax AS rebase_late
            FROM message m
            LEFT JOIN (
              SELECT channel, bool_or(snapshot IS NULL) AS unwritten, min(made_at) - interval '1 hour' AS since,
                min(written_xid::text::numeric)::text::xid8 AS written_xid
              FROM rebase_position
              GROUP BY channel
            ) c ON c.channel = m.channel
            CROSS JOIN (
              SELECT pg_snapshot_xmax(pg_current_snapshot()) AS xmax,
                (SELECT coalesce(min(written_xid::text::numeric), 0)::text::xid8 FROM rebase_position) AS written_xid,
                (SELECT coalesce(max(seq), 0) FROM message)
                  > coalesce(pg_sequence_last_value('message_seq'::regclass), 0) AS sequence_behind
            ) n
            """;

    private static final String COUNT = """
            SELECT rebase_fate, count(*)
            FROM ({fates}) f
            GROUP BY rebase_fate
            """;

    private static final String SET_ASIDE = """
            CREATE TEMP TABLE rebase_message ON COMMIT DROP AS
            SELECT {columns}, rebase_late, seq AS rebase_seq
            FROM ({fates}) f
            WHERE rebase_fate NOT IN ('PARKED', 'PUBLISHED')
            """;

    private static final String APPEND_AGAIN = """
            INSERT INTO message ({columns})
            SELECT {columns}
            FROM rebase_message
            ORDER BY rebase_late, rebase_seq
            """;

    /** Past every number that was ever given out, as far as anything here remembers. */
    private static final String SET_MESSAGE_SEQ = """
            SELECT setval('message_seq', greatest(
              1,
              coalesce(pg_sequence_last_value('message_seq'::regclass), 0),
              (SELECT max(seq) FROM message),
              (SELECT max(seq) FROM parked),
              (SELECT max(seq) FROM attempt),
              (SELECT max(last_seq) FROM checkpoint),
              (SELECT max(window_end) FROM checkpoint)))
            """;

    private static final String SET_SEGMENT_SEQ = """
            SELECT setval('segment_seq', no)
            FROM (SELECT max(no) AS no FROM segment_log) l
            WHERE no > coalesce(pg_sequence_last_value('segment_seq'::regclass), -1) -- a copy may have left it unused
            """;

    private static final String TRUNCATE = "TRUNCATE message";

    private static final String LOG_CLOSED = """
            UPDATE segment_log
            SET closed_at = clock_timestamp()
            WHERE closed_at IS NULL AND no < pg_sequence_last_value('segment_seq'::regclass)
            """;

    private static final String LOG_TRUNCATED = """
            UPDATE segment_log
            SET truncated_at = clock_timestamp()
            WHERE closed_at IS NOT NULL AND truncated_at IS NULL
            """;

    private static final String LOG_OPENED = """
            INSERT INTO segment_log (no, segment)
            SELECT no, no % 4
            FROM (SELECT pg_sequence_last_value('segment_seq'::regclass) AS no) s
            ON CONFLICT (no) DO NOTHING
            """;

    /** They name messages by numbers that mean others from now on. */
    private static final String CANCEL_REPLAYS = """
            UPDATE replay
            SET state = 'CANCELLED', finished_at = clock_timestamp(), error = 'the outbox was rebased'
            WHERE state = 'RUNNING'
            """;

    /** A relay that slept through all this finds its lane taken. */
    private static final String FENCE = """
            UPDATE lane
            SET owner = NULL, lease_until = NULL, epoch = epoch + 1
            """;

    private static final String BEGIN_GENERATION = """
            INSERT INTO lane (channel, generation, lane, lanes, paused_at, pause_reason, paused_by)
            SELECT channel, generation + 1, lane, lanes, paused_at, pause_reason, paused_by
            FROM rebase_position
            """;

    /** Nothing is visible in 3:3: because 3 is the first transaction id that PostgreSQL gives out. */
    private static final String BEGIN_CHECKPOINTS = """
            INSERT INTO checkpoint (channel, generation, lane, no, snapshot, published, parked, relay, epoch,
              system_identifier, timeline)
            SELECT channel, generation + 1, lane, 1, '3:3:', 0, 0, 'outbox rebase', 0, system_identifier,
              ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
            FROM rebase_position
            CROSS JOIN pg_control_system()
            """;

    private final Connection connection;
    private final Positions positions;

    MovedMessages(Connection connection, Positions positions) {
        this.connection = connection;
        this.positions = positions;
    }

    Rebase.Result run(Rebase.Request request) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            if (!request.dryRun()) {
                statement.execute(LOCK_MESSAGES);
            }
            Map<Rebase.Fate, Long> fates = count(request);
            if (!request.dryRun()) {
                move(statement, request);
            }
            Map<String, Integer> generations = new TreeMap<>();
            positions.generations().forEach((channel, generation) -> generations.put(channel, generation + 1));
            return new Rebase.Result(request, fates, generations, positions.lanes());
        }
    }

    private Map<Rebase.Fate, Long> count(Rebase.Request request) throws SQLException {
        Map<Rebase.Fate, Long> fates = new EnumMap<>(Rebase.Fate.class);
        try (PreparedStatement count = connection.prepareStatement(COUNT.replace("{fates}", FATES))) {
            bindSince(count, request);
            try (ResultSet rows = count.executeQuery()) {
                while (rows.next()) {
                    fates.put(Rebase.Fate.valueOf(rows.getString(1)), rows.getLong(2));
                }
            }
        }
        return fates;
    }

    private void move(Statement statement, Rebase.Request request) throws SQLException {
        String columns;
        try (ResultSet row = statement.executeQuery(COLUMNS)) {
            row.next();
            columns = row.getString(1);
        }
        try (PreparedStatement setAside = connection.prepareStatement(
                SET_ASIDE.replace("{columns}", columns).replace("{fates}", FATES))) {
            bindSince(setAside, request);
            setAside.executeUpdate();
        }
        statement.execute(SET_MESSAGE_SEQ);
        statement.execute(SET_SEGMENT_SEQ);
        statement.execute(TRUNCATE);
        statement.executeUpdate(LOG_CLOSED);
        statement.executeUpdate(LOG_TRUNCATED);
        statement.executeUpdate(LOG_OPENED);
        statement.executeUpdate(APPEND_AGAIN.replace("{columns}", columns));
        statement.executeUpdate(CANCEL_REPLAYS);
        statement.executeUpdate(FENCE);
        statement.executeUpdate(BEGIN_GENERATION);
        statement.executeUpdate(BEGIN_CHECKPOINTS);
    }

    private static void bindSince(PreparedStatement statement, Rebase.Request request) throws SQLException {
        if (request.since().isEmpty()) {
            statement.setNull(1, Types.VARCHAR);
        } else {
            Instant since = request.since().get();
            statement.setString(1, since.equals(Rebase.Request.ALL) ? "-infinity" : since.toString());
        }
    }
}
