package dev.outbox.relay.ops;

import dev.outbox.relay.RelayException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;

/** Says of the saved positions that they are this cluster's, after making sure that they can be. */
final class KeptPosition {

    /** The furthest position against the present; no position is ahead of the cluster that it belongs to. */
    private static final String AHEAD = """
            SELECT channel || '/' || lane, pg_snapshot_xmax(coalesce(window_snapshot, snapshot))::text, current_xmax
            FROM rebase_position
            WHERE pg_snapshot_xmax(coalesce(window_snapshot, snapshot)) >= (current_xmax + 1)::text::xid8
            ORDER BY channel, lane
            LIMIT 1
            """;

    /** A committed message of this cluster is below xmax; one that is not came from elsewhere, row by row. */
    private static final String FOREIGN_MESSAGE = """
            SELECT EXISTS (SELECT FROM message WHERE xid >= pg_snapshot_xmax(pg_current_snapshot()))
            """;

    private static final String SEQUENCE_BEHIND = """
            SELECT (SELECT coalesce(max(seq), 0) FROM message)
              > coalesce(pg_sequence_last_value('message_seq'::regclass), 0)
            """;

    private static final String FENCE = """
            UPDATE lane
            SET owner = NULL, lease_until = NULL, epoch = epoch + 1
            """;

    private static final String APPEND = """
            INSERT INTO checkpoint (channel, generation, lane, no, snapshot, window_snapshot, window_end, page_seq,
              published, parked, order_exceptions, relay, epoch, system_identifier, timeline)
            SELECT c.channel, c.generation, c.lane, c.no + 1, c.snapshot, c.window_snapshot, c.window_end, c.page_seq,
              c.published, c.parked, c.order_exceptions, 'outbox rebase', l.epoch, s.system_identifier,
              ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
            FROM rebase_position p
            JOIN checkpoint c ON c.channel = p.channel AND c.generation = p.generation AND c.lane = p.lane AND c.no = p.no
            JOIN lane l ON l.channel = p.channel AND l.generation = p.generation AND l.lane = p.lane
            CROSS JOIN pg_control_system() s
            """;

    private final Connection connection;
    private final Positions positions;

    KeptPosition(Connection connection, Positions positions) {
        this.connection = connection;
        this.positions = positions;
    }

    Rebase.Result run(Rebase.Request request) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            requireNotAhead(statement);
            if (ask(statement, FOREIGN_MESSAGE) || ask(statement, SEQUENCE_BEHIND)) {
                throw refused("messages were copied here row by row, so their transaction ids are not this cluster's");
            }
            int lanes = 0;
            if (!request.dryRun()) {
                statement.executeUpdate(FENCE);
                lanes = statement.executeUpdate(APPEND);
            }
            return new Rebase.Result(
                    request, Map.of(), positions.generations(), request.dryRun() ? positions.lanes() : lanes);
        }
    }

    private static void requireNotAhead(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery(AHEAD)) {
            if (row.next()) {
                throw refused("the database is behind the saved position: lane=" + row.getString(1) + ", savedXmax="
                        + row.getString(2) + ", xmax=" + row.getString(3));
            }
        }
    }

    private static RelayException refused(String why) {
        return new RelayException("Position cannot be kept, nothing was changed: " + why
                + "; run 'outbox rebase' without --keep-position");
    }

    private static boolean ask(Statement statement, String question) throws SQLException {
        try (ResultSet row = statement.executeQuery(question)) {
            row.next();
            return row.getBoolean(1);
        }
    }
}
