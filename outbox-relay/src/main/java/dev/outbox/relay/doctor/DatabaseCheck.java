package dev.outbox.relay.doctor;

import dev.outbox.relay.Database;
import dev.outbox.relay.RelaySettings;
import dev.outbox.relay.ops.OperatorConnection;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import org.postgresql.jdbc.PgConnection;

/** Finds out whether a relay could work with a database: the server, what is in between, its clock, the outbox in it. */
final class DatabaseCheck {

    private static final int VERSION_LEAST = 140_000;
    private static final int CLOCK_LOOKS = 3;

    /** Beyond that the times in tables and in logs tell different stories. */
    private static final Duration CLOCK_DIFFERENCE_MAX = Duration.ofSeconds(5);

    private static final String SERVER = """
            SELECT current_setting('server_version'), current_setting('server_version_num')::int, pg_is_in_recovery(),
              current_setting('search_path'), current_user, pg_backend_pid()
            """;

    private static final String CLOCK = "SELECT clock_timestamp()";

    private static final String TABLES = """
            SELECT string_agg(name, ', ' ORDER BY name)
            FROM unnest(ARRAY['message', 'segment_log', 'relay', 'lane', 'checkpoint', 'parked', 'attempt', 'replay',
              'replay_lane', 'audit']) name
            WHERE to_regclass(quote_ident(?) || '.' || name) IS NULL
            """;

    private DatabaseCheck() {}

    static List<Finding> run(Database database, RelaySettings settings) {
        List<Finding> findings = new ArrayList<>();
        try (Connection connection = OperatorConnection.open(database, "outbox doctor")) {
            if (checkServer(connection, database, findings)) {
                findings.add(clock(connection));
                if (checkTables(connection, database, findings)) {
                    findings.add(SchemaVersion.check(connection, database));
                    findings.addAll(RoleCheck.run(connection, database));
                    findings.addAll(CopyCheck.run(connection));
                    findings.addAll(RingCheck.run(connection, settings.segments()));
                    findings.addAll(LaneCheck.run(connection, settings.lease()));
                }
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
                // A pooler makes up the process that it tells its clients of.
                boolean direct = connection.unwrap(PgConnection.class).getBackendPID() == row.getInt(6);
                findings.add(
                        direct
                                ? Finding.ok("database", server + ", connected directly")
                                : Finding.warning(
                                        "database",
                                        server
                                                + "; something is in between that answers for PostgreSQL, as a pooler does:"
                                                + " give the relay a direct connection"));
            }
            return usable;
        }
    }

    /** The least uncertain of a few looks. */
    private static Finding clock(Connection connection) throws SQLException {
        long aheadMillis = 0;
        Duration uncertainty = Duration.ofDays(1);
        try (PreparedStatement look = connection.prepareStatement(CLOCK)) {
            for (int i = 0; i < CLOCK_LOOKS; i++) {
                Instant before = Instant.now();
                Instant there = look(look);
                Duration half = Duration.between(before, Instant.now()).dividedBy(2);
                if (half.compareTo(uncertainty) < 0) {
                    uncertainty = half;
                    aheadMillis = Duration.between(before.plus(half), there).toMillis();
                }
            }
        }
        String text = "the database's is " + Math.abs(aheadMillis) + " ms "
                + (aheadMillis < 0 ? "behind" : "ahead of") + " this machine's, give or take "
                + (uncertainty.toMillis() + 1) + " ms";
        return Math.abs(aheadMillis) <= CLOCK_DIFFERENCE_MAX.toMillis()
                ? Finding.ok("clock", text)
                : Finding.warning("clock", text + "; set both by NTP. Leases follow the database's");
    }

    private static Instant look(PreparedStatement look) throws SQLException {
        try (ResultSet row = look.executeQuery()) {
            row.next();
            return row.getObject(1, OffsetDateTime.class).toInstant();
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

    /** The first column of the first row; empty for null, or if there is none. */
    static String ask(Connection connection, String question) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(question)) {
            String answer = row.next() ? row.getString(1) : null;
            return answer == null ? "" : answer;
        }
    }
}
