package dev.outbox.relay.ops;

import dev.outbox.relay.Database;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds out whether a relay could work with a database, without changing anything.
 *
 * <pre>{@code
 * boolean usable = DatabaseCheck.run(database).stream().noneMatch(finding -> finding.state() == Finding.State.FAILED);
 * }</pre>
 */
public final class DatabaseCheck {

    private static final int VERSION_LEAST = 140_000;

    private static final String SERVER = """
            SELECT current_setting('server_version'), current_setting('server_version_num')::int, pg_is_in_recovery(),
              current_setting('search_path'), current_user
            """;

    private static final String TABLES = """
            SELECT string_agg(name, ', ' ORDER BY name)
            FROM unnest(ARRAY['message', 'segment_log', 'relay', 'lane', 'checkpoint', 'parked', 'attempt']) name
            WHERE to_regclass(quote_ident(?) || '.' || name) IS NULL
            """;

    /** What the relay's statements need, table by table. */
    private static final String RIGHTS = """
            SELECT string_agg(what, ', ')
            FROM (
              SELECT privilege || ' on ' || relation AS what
              FROM (VALUES
                ('message', 'SELECT'),
                ('message_0', 'SELECT'), ('message_1', 'SELECT'), ('message_2', 'SELECT'), ('message_3', 'SELECT'),
                ('message_0', 'TRUNCATE'), ('message_1', 'TRUNCATE'), ('message_2', 'TRUNCATE'), ('message_3', 'TRUNCATE'),
                ('lane', 'SELECT'), ('lane', 'INSERT'), ('lane', 'UPDATE'),
                ('checkpoint', 'SELECT'), ('checkpoint', 'INSERT'), ('checkpoint', 'DELETE'),
                ('relay', 'SELECT'), ('relay', 'INSERT'), ('relay', 'UPDATE'), ('relay', 'DELETE'),
                ('parked', 'SELECT'), ('parked', 'INSERT'),
                ('attempt', 'INSERT'),
                ('segment_log', 'SELECT'), ('segment_log', 'INSERT'), ('segment_log', 'UPDATE')
              ) n (relation, privilege)
              WHERE NOT has_table_privilege(relation, privilege)
              UNION ALL
              SELECT 'USAGE on segment_seq'
              WHERE NOT has_sequence_privilege('segment_seq', 'USAGE')
            ) missing
            """;

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

    private DatabaseCheck() {}

    /** What was found, in the order of looking; what depends on something that failed is left out. */
    public static List<Finding> run(Database database) {
        List<Finding> findings = new ArrayList<>();
        try (Connection connection = OperatorConnection.open(database, "outbox check")) {
            if (checkServer(connection, database, findings) && checkTables(connection, database, findings)) {
                checkRights(connection, findings);
                checkPositions(connection, findings);
            }
        } catch (SQLException e) {
            String pooler = String.valueOf(e.getMessage()).contains("startup parameter")
                    ? "; that is a pooler's answer, give the relay a direct connection"
                    : "";
            findings.add(Finding.failed(
                    "database",
                    "cannot be used: url=" + database.url() + ", user=" + database.user() + ", error=" + e.getMessage()
                            + pooler));
        }
        return findings;
    }

    private static boolean checkServer(Connection connection, Database database, List<Finding> findings)
            throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(SERVER)) {
            row.next();
            String server = "PostgreSQL " + row.getString(1) + ", url=" + database.url() + ", user=" + row.getString(5);
            boolean usable = true;
            if (row.getInt(2) < VERSION_LEAST) {
                findings.add(Finding.failed("database", server + "; version 14 or later is needed"));
                usable = false;
            }
            if (row.getBoolean(3)) {
                findings.add(
                        Finding.failed("database", server + "; it is a standby, and the relay works on the primary"));
                usable = false;
            }
            if (!database.schema().equals(row.getString(4))) {
                findings.add(
                        Finding.failed(
                                "database",
                                server
                                        + "; it drops the settings of the connection, as a pooler does: give the relay a direct one"));
                usable = false;
            }
            if (usable) {
                findings.add(Finding.ok("database", server + ", connected directly"));
            }
            return usable;
        }
    }

    private static boolean checkTables(Connection connection, Database database, List<Finding> findings)
            throws SQLException {
        try (PreparedStatement tables = connection.prepareStatement(TABLES)) {
            tables.setString(1, database.schema());
            try (ResultSet row = tables.executeQuery()) {
                row.next();
                String missing = row.getString(1);
                if (missing == null) {
                    findings.add(Finding.ok("tables", "all there, schema=" + database.schema()));
                    return true;
                }
                findings.add(Finding.failed(
                        "tables",
                        "missing in schema " + database.schema() + ": " + missing + "; run 'outbox migrate'"));
                return false;
            }
        }
    }

    private static void checkRights(Connection connection, List<Finding> findings) throws SQLException {
        String missing = ask(connection, RIGHTS);
        findings.add(
                missing.isEmpty()
                        ? Finding.ok("rights", "the role may do what a relay does")
                        : Finding.failed("rights", "the role lacks " + missing));
    }

    private static void checkPositions(Connection connection, List<Finding> findings) throws SQLException {
        String foreign = ask(connection, FOREIGN_POSITIONS);
        findings.add(
                foreign.isEmpty()
                        ? Finding.ok("positions", "every saved position belongs to this database")
                        : Finding.failed(
                                "positions",
                                "the database was restored, copied or upgraded, lanes=" + foreign
                                        + "; stop the relays and run 'outbox rebase'"
                                        + " (after pg_upgrade: 'outbox rebase --keep-position')"));
    }

    private static String ask(Connection connection, String question) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(question)) {
            row.next();
            String answer = row.getString(1);
            return answer == null ? "" : answer;
        }
    }
}
