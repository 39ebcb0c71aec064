package dev.outbox.relay;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Locale;
import java.util.Properties;

/**
 * Where the outbox is, and how the relay connects to it: directly, not through a pooler, because it pins settings of the
 * session.
 *
 * @param url a JDBC URL, {@code jdbc:postgresql://host:port/database}
 * @param user the role that the relay logs in as
 * @param password its password; may be empty
 * @param schema the schema of the outbox's tables
 */
public record Database(String url, String user, String password, String schema) {

    /**
     * Truncated tables have no statistics to plan a burst by, so the way through the indexes is laid down: without
     * parallel workers, whose start alone cost 5 ms, and with one plan for all parameters.
     */
    private static final String INDEX_PLANS =
            " -c enable_seqscan=off -c enable_bitmapscan=off -c max_parallel_workers_per_gather=0"
                    + " -c plan_cache_mode=force_generic_plan -c jit=off";

    /** Opening a window takes a microsecond or two for each row of the backlog; that must not be cut off. */
    private static final Duration ANSWER_MAX = Duration.ofMinutes(10);

    /** A result larger than this ends the connection instead of the process; the next one asks for fewer rows. */
    private static final String RESULT_BYTES_MAX = "96M";

    /** Checks what can be checked without connecting. */
    public Database {
        if (!url.startsWith("jdbc:postgresql:")) {
            throw new IllegalArgumentException(
                    "Database URL is not valid: expected jdbc:postgresql://host:port/database");
        }
        if (!schema.matches("[a-z_][a-z0-9_]{0,62}")) {
            throw new IllegalArgumentException("Schema name is not valid: schema=" + schema
                    + "; use lower-case letters, digits and '_', at most 63, not starting with a digit");
        }
    }

    /** Never shows the password. */
    @Override
    public String toString() {
        return "Database[url=" + url + ", user=" + user + ", schema=" + schema + "]";
    }

    /** A connection for a lane: index plans pinned, results bounded, autocommit on. */
    Connection openForLane(LaneKey lane, Duration lease) throws SQLException {
        Connection connection = open("outbox-relay " + lane, lease, INDEX_PLANS);
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT current_setting('enable_seqscan')")) {
            row.next();
            if (!"off".equals(row.getString(1))) {
                throw new SQLException("Connection drops the settings it was opened with, as a pooler does: url=" + url
                        + "; give the relay a direct connection to PostgreSQL");
            }
            return connection;
        } catch (SQLException e) {
            connection.close();
            throw e;
        }
    }

    /** A connection for leases, segments and operations: the server's own plans, autocommit on. */
    Connection open(String name, Duration lease) throws SQLException {
        return open("outbox-relay " + name, lease, "");
    }

    /** A connection whose statements are all short: one that hangs for as long as a lease is given up. */
    Connection openForLeases(Duration lease) throws SQLException {
        Connection connection = open("leases", lease);
        connection.setNetworkTimeout(Runnable::run, Math.toIntExact(lease.toMillis()));
        return connection;
    }

    private Connection open(String applicationName, Duration lease, String options) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("password", password);
        properties.setProperty("ApplicationName", applicationName);
        properties.setProperty("tcpKeepAlive", "true");
        properties.setProperty("connectTimeout", "10");
        properties.setProperty("socketTimeout", String.valueOf(ANSWER_MAX.toSeconds()));
        properties.setProperty("prepareThreshold", "1");
        properties.setProperty("maxResultBuffer", RESULT_BYTES_MAX);
        properties.setProperty(
                "options",
                String.format(
                        Locale.ROOT,
                        "-c search_path=%s,pg_catalog -c idle_in_transaction_session_timeout=%d%s",
                        schema,
                        lease.toMillis() / 2,
                        options));
        return DriverManager.getConnection(url, properties);
    }
}
