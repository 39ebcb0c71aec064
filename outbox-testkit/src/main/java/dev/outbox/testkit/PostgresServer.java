package dev.outbox.testkit;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A PostgreSQL server for tests.
 *
 * <p>It comes from the first of: the address in {@code OUTBOX_TEST_POSTGRES_URL} (a JDBC address, with
 * {@code OUTBOX_TEST_POSTGRES_USER} and {@code _PASSWORD}; environment variables or system properties of those names),
 * Docker, a native process. It ends with {@link #close} or with this JVM, even when that is killed.
 *
 * <pre>{@code
 * try (PostgresServer server = PostgresServer.start(PostgresOptions.defaults().asNativeOnly())) {
 *     TestDatabase database = server.createDatabase("orders");
 *     database.execute("CREATE TABLE t (i int)");
 *     server.kill();
 *     server.restart();
 * }
 * }</pre>
 *
 * <p>Queries may run from any thread; starting, stopping and killing belong to one thread at a time.
 */
public final class PostgresServer implements AutoCloseable {

    private static final String VARIABLE = "OUTBOX_TEST_POSTGRES_URL";
    private static final Pattern URL = Pattern.compile("jdbc:postgresql://([^:/?]+)(?::(\\d+))?/([^?]*)(\\?.*)?");
    private static final int DEFAULT_PORT = 5432;

    /** Where it listens; {@code parameters} is empty or begins with a question mark. */
    record Address(String host, int port, String database, String parameters, String user, String password) {}

    private final ServerControl control;
    private final Address address;

    PostgresServer(ServerControl control, Address address) {
        this.control = control;
        this.address = address;
    }

    /** As {@link #start(PostgresOptions)} with {@link PostgresOptions#defaults}. */
    public static PostgresServer start() {
        return start(PostgresOptions.defaults());
    }

    /**
     * Starts a server, or connects to the one the environment names; returns when it accepts connections.
     *
     * @throws IllegalStateException if no way leads to one; the message says what was tried
     */
    public static PostgresServer start(PostgresOptions options) {
        return new ServerChoice<PostgresServer>("PostgreSQL", VARIABLE)
                .external(options.externalRefusal(), PostgresServer::external)
                .docker(options.dockerRefusal(), () -> Containers.postgres(options))
                .nativeProcess(() -> {
                    NativePostgres server = new NativePostgres(options).startFirst();
                    return new PostgresServer(
                            server,
                            new Address("127.0.0.1", server.port(), "postgres", "", NativePostgres.USER, "postgres"));
                });
    }

    private static PostgresServer external(String url) {
        Matcher matcher = URL.matcher(url);
        if (!matcher.matches()) {
            throw new IllegalStateException(
                    "Not a JDBC address (jdbc:postgresql://host:port/database): variable=" + VARIABLE);
        }
        String user = Settings.find("OUTBOX_TEST_POSTGRES_USER");
        String password = Settings.find("OUTBOX_TEST_POSTGRES_PASSWORD");
        String parameters = matcher.group(4);
        return new PostgresServer(
                new ExternalControl(VARIABLE),
                new Address(
                        matcher.group(1),
                        matcher.group(2) == null ? DEFAULT_PORT : Integer.parseInt(matcher.group(2)),
                        matcher.group(3),
                        parameters == null ? "" : parameters,
                        user == null ? "postgres" : user,
                        password == null ? "" : password));
    }

    /** The JDBC address of the maintenance database. */
    public String jdbcUrl() {
        return jdbcUrl(address.database());
    }

    /** The JDBC address of a database, which need not exist yet. */
    public String jdbcUrl(String database) {
        return "jdbc:postgresql://" + address.host() + ":" + address.port() + "/" + database + address.parameters();
    }

    /** The user, a superuser unless the server is external. */
    public String user() {
        return address.user();
    }

    /** The user's password; a native server accepts any. */
    public String password() {
        return address.password();
    }

    /** The host, 127.0.0.1 when native. */
    public String host() {
        return address.host();
    }

    /** The port; it stays the same over restarts. */
    public int port() {
        return address.port();
    }

    /**
     * The process id of the postmaster.
     *
     * @throws UnsupportedOperationException if the server is not native
     * @throws IllegalStateException if it is not running
     */
    public long pid() {
        return control.pid();
    }

    /** False after {@link #stop} or {@link #kill}; an external server counts as running. */
    public boolean isRunning() {
        return control.isRunning();
    }

    /**
     * Makes an empty database, which ends with the server or when it is closed.
     *
     * @throws IllegalStateException if the server refuses, e.g. because it exists
     */
    public TestDatabase createDatabase(String name) {
        execute("CREATE DATABASE " + quoted(name));
        return new TestDatabase(this, name);
    }

    /**
     * Runs SQL in the maintenance database, as {@link #user}.
     *
     * @throws IllegalStateException if the server refuses
     */
    public void execute(String sql) {
        try (Connection connection = DriverManager.getConnection(jdbcUrl(), user(), password());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException("SQL failed: database=" + address.database() + ", sql=" + sql, e);
        }
    }

    /**
     * Ends the server in order (fast shutdown: open transactions are rolled back).
     *
     * @throws UnsupportedOperationException if the server is external
     */
    public void stop() {
        control.stop();
    }

    /**
     * Kills the postmaster and every child of it with SIGKILL, as a crash of the machine's server would; returns when
     * all are gone. What was committed is on disk and comes back at {@link #restart}.
     *
     * @throws UnsupportedOperationException if the server is external
     */
    public void kill() {
        control.kill();
    }

    /**
     * Starts the server again with the same port, data and settings; stops it first if it runs. Returns when recovery
     * is done and it accepts connections.
     *
     * @throws UnsupportedOperationException if the server is external
     */
    public void restart() {
        if (control.isRunning()) {
            control.stop();
        }
        control.start();
    }

    /** Ends the server and removes its temporary directory; an external server is left alone. */
    @Override
    public void close() {
        control.close();
    }

    static String quoted(String identifier) {
        return '"' + identifier.replace("\"", "\"\"") + '"';
    }
}
