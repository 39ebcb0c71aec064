package dev.outbox.testkit;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A database of its own for one test class (or whoever made it), on a server that may be shared.
 *
 * <p>Safe for use by many threads; each call of {@link #connection} opens a connection, none is pooled. Closing drops
 * the database, connections and all.
 */
public final class TestDatabase implements AutoCloseable {

    private final PostgresServer server;
    private final String name;

    TestDatabase(PostgresServer server, String name) {
        this.server = server;
        this.name = name;
    }

    /** The database's name. */
    public String name() {
        return name;
    }

    /** The address for a driver or a pool, e.g. {@code jdbc:postgresql://127.0.0.1:12345/orders_it_1}. */
    public String jdbcUrl() {
        return server.jdbcUrl(name);
    }

    /** The user, a superuser unless the server is external. */
    public String user() {
        return server.user();
    }

    /** The user's password. */
    public String password() {
        return server.password();
    }

    /** The server it is on. */
    public PostgresServer server() {
        return server;
    }

    /** A data source that opens a connection at each request. */
    public DataSource dataSource() {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl(jdbcUrl());
        source.setUser(user());
        source.setPassword(password());
        return source;
    }

    /**
     * A new connection, in autocommit.
     *
     * @throws SQLException as the driver does
     */
    public Connection connection() throws SQLException {
        return DriverManager.getConnection(jdbcUrl(), user(), password());
    }

    /**
     * Runs one or more statements, separated by semicolons, in one implicit transaction.
     *
     * @throws IllegalStateException if the server refuses
     */
    public void execute(String sql) {
        try (Connection connection = connection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException("SQL failed: database=" + name + ", sql=" + sql, e);
        }
    }

    /** Drops the database; does nothing when the server is not running. */
    @Override
    public void close() {
        if (server.isRunning()) {
            server.execute("DROP DATABASE IF EXISTS " + PostgresServer.quoted(name) + " WITH (FORCE)");
        }
    }
}
