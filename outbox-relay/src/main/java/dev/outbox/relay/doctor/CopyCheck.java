package dev.outbox.relay.doctor;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** Traces of a restore, a copy or a replication into the outbox: positions, rows and sequences that are not of here. */
final class CopyCheck {

    private static final String REBASE =
            "stop the relays and run 'outbox rebase' (after pg_upgrade: 'outbox rebase --keep-position')";

    private static final String FOREIGN_POSITIONS = """
            SELECT string_agg(l.channel || '/' || l.lane, ', ' ORDER BY l.channel, l.lane)
            FROM lane l
            CROSS JOIN LATERAL (
              SELECT c.snapshot, c.window_snapshot, c.system_identifier
              FROM checkpoint c
              WHERE c.channel = l.channel AND c.generation = l.generation AND c.lane = l.lane
              ORDER BY no DESC
              LIMIT 1
            ) c
            CROSS JOIN pg_control_system() s
            WHERE l.generation = (SELECT max(generation) FROM lane g WHERE g.channel = l.channel)
              AND (c.system_identifier <> s.system_identifier
                OR pg_snapshot_xmax(coalesce(c.window_snapshot, c.snapshot)) > pg_snapshot_xmax(pg_current_snapshot()))
            """;

    /** A row that is visible was written by a transaction that has ended, and none at or beyond xmax has, here. */
    private static final String FOREIGN_ROWS = """
            SELECT CASE WHEN EXISTS (SELECT FROM message WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())) THEN 'yes' END
            """;

    private static final String SUBSCRIPTIONS = """
            SELECT string_agg(DISTINCT s.subname || ' into ' || r.srrelid::regclass, ', ')
            FROM pg_subscription_rel r
            JOIN pg_subscription s ON s.oid = r.srsubid
            JOIN pg_class c ON c.oid = r.srrelid
            WHERE c.relnamespace = current_schema()::regnamespace
            """;

    /** The value of a sequence is null for who may not see it, and then nothing is said about it. */
    private static final String SEQUENCES = """
            SELECT q.seqcache,
              CASE WHEN has_sequence_privilege('message_seq', 'SELECT') OR has_sequence_privilege('message_seq', 'USAGE')
                THEN coalesce(pg_sequence_last_value('message_seq'::regclass), 0) END,
              greatest((SELECT max(seq) FROM message), (SELECT max(seq) FROM parked), 0),
              CASE WHEN has_sequence_privilege('segment_seq', 'SELECT') OR has_sequence_privilege('segment_seq', 'USAGE')
                THEN coalesce(pg_sequence_last_value('segment_seq'::regclass), -1) END,
              coalesce((SELECT max(no) FROM segment_log), -1)
            FROM pg_sequence q
            WHERE q.seqrelid = 'message_seq'::regclass
            """;

    private CopyCheck() {}

    static List<Finding> run(Connection connection) throws SQLException {
        List<Finding> findings = new ArrayList<>();
        checkPositions(connection, findings);
        checkSequences(connection, findings);
        String subscriptions = DatabaseCheck.ask(connection, SUBSCRIPTIONS);
        findings.add(
                subscriptions.isEmpty()
                        ? Finding.ok("replication", "no subscription writes into the outbox")
                        : Finding.failed(
                                "replication",
                                "rows come from another cluster and carry its transaction ids: subscription "
                                        + subscriptions + "; leave the outbox's tables out of the publication"));
        return findings;
    }

    private static void checkPositions(Connection connection, List<Finding> findings) throws SQLException {
        String foreign = DatabaseCheck.ask(connection, FOREIGN_POSITIONS);
        if (!foreign.isEmpty()) {
            findings.add(Finding.failed(
                    "positions", "the database was restored, copied or upgraded, lanes=" + foreign + "; " + REBASE));
        } else if (!DatabaseCheck.ask(connection, FOREIGN_ROWS).isEmpty()) {
            findings.add(Finding.failed(
                    "positions",
                    "messages carry transaction ids that this cluster has not given out yet, so nobody will publish them;"
                            + " they were copied from another one: " + REBASE));
        } else {
            findings.add(Finding.ok("positions", "every saved position belongs to this database"));
        }
    }

    private static void checkSequences(Connection connection, List<Finding> findings) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(SEQUENCES)) {
            row.next();
            List<String> wrong = new ArrayList<>();
            if (row.getLong(1) != 1) {
                wrong.add(
                        "message_seq keeps " + row.getLong(1)
                                + " numbers for each session, which breaks the order within a key: ALTER SEQUENCE message_seq CACHE 1");
            }
            if (isBehind(row, 2, 3)) {
                wrong.add("message_seq is at " + row.getLong(2) + ", behind seq " + row.getLong(3)
                        + " of a message, as after a copy: " + REBASE);
            }
            if (isBehind(row, 4, 5)) {
                wrong.add("segment_seq is at " + row.getLong(4) + ", behind no " + row.getLong(5)
                        + " of segment_log, as after a copy: " + REBASE);
            }
            findings.add(
                    wrong.isEmpty()
                            ? Finding.ok("sequences", "message_seq keeps no numbers back, and none is behind its table")
                            : Finding.failed("sequences", String.join("; ", wrong)));
        }
    }

    private static boolean isBehind(ResultSet row, int sequence, int table) throws SQLException {
        long value = row.getLong(sequence);
        return !row.wasNull() && value < row.getLong(table);
    }
}
