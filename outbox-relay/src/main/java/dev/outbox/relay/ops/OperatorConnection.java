package dev.outbox.relay.ops;

import dev.outbox.relay.Database;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;

/** A connection for an operation: with the server's own plans, and without a limit on how long a statement takes. */
public final class OperatorConnection {

    private OperatorConnection() {}

    /**
     * Connects, in autocommit, with the outbox's schema as the search path.
     *
     * @param applicationName how the connection is called in {@code pg_stat_activity}
     */
    public static Connection open(Database database, String applicationName) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", database.user());
        properties.setProperty("password", database.password());
        properties.setProperty("ApplicationName", applicationName);
        properties.setProperty("tcpKeepAlive", "true");
        properties.setProperty("connectTimeout", "10");
        properties.setProperty("options", "-c search_path=" + database.schema());
        return DriverManager.getConnection(database.url(), properties);
    }
}
