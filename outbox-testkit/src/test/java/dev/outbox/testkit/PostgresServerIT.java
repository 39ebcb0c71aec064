package dev.outbox.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PostgresServerIT {

    /** Hours of work for a processor, and next to none for the disk. */
    private static final String BUSY =
            "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b";

    private static final PostgresOptions NATIVE = PostgresOptions.defaults().asNativeOnly();

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void committedRowsSurviveAKillAndOpenTransactionsDoNot(int version) throws SQLException {
        try (PostgresServer server = PostgresServer.start(NATIVE.withVersion(version))) {
            int port = server.port();
            TestDatabase database = server.createDatabase("crash");
            assertThat(query(database, "SHOW server_version")).startsWith(Integer.toString(version));
            database.execute("CREATE TABLE t (i int); INSERT INTO t SELECT generate_series(1, 1000)");
            try (Connection open = database.connection();
                    Statement statement = open.createStatement()) {
                open.setAutoCommit(false);
                statement.execute("INSERT INTO t VALUES (-1)");
                server.kill();
                assertThat(server.isRunning()).isFalse();
            }
            server.restart();
            assertThat(server.port()).isEqualTo(port);
            assertThat(query(database, "SELECT count(*) || '/' || min(i) FROM t"))
                    .isEqualTo("1000/1");
        }
    }

    @Test
    void restartsAfterEveryOneOfManyKillsUnderLoad() throws SQLException {
        try (PostgresServer server = PostgresServer.start(NATIVE)) {
            TestDatabase database = server.createDatabase("load");
            database.execute("CREATE TABLE t (i int)");
            for (int kill = 1; kill <= 5; kill++) {
                // Threads of their own: the common pool of a machine with three processors has two.
                List<CompletableFuture<Void>> busy = Stream.generate(() -> CompletableFuture.runAsync(
                                () -> swallow(() -> database.execute(BUSY)), work -> new Thread(work).start()))
                        .limit(3)
                        .toList();
                Await.until("busy backends", Duration.ofMinutes(2), () -> active(database) == 3);
                database.execute("INSERT INTO t VALUES (" + kill + ")");
                List<ProcessHandle> children = Signals.children(server.pid());
                server.kill();
                assertThat(children).isNotEmpty().noneMatch(p -> Signals.isRunning(p.pid()));
                CompletableFuture.allOf(busy.toArray(CompletableFuture[]::new)).join();
                server.restart();
                assertThat(query(database, "SELECT count(*) FROM t")).isEqualTo(Integer.toString(kill));
            }
        }
    }

    @Test
    void keepsItsDirectoryAndAppliesSettings(@TempDir Path directory) throws SQLException {
        PostgresOptions options =
                NATIVE.withDirectory(directory.resolve("kept")).withSetting("wal_level", "logical");
        try (PostgresServer server = PostgresServer.start(options)) {
            server.createDatabase("kept").execute("CREATE TABLE t AS SELECT 7 AS i");
        }
        try (PostgresServer server = PostgresServer.start(options.withSetting("work_mem", "5MB"))) {
            TestDatabase database = new TestDatabase(server, "kept");
            assertThat(query(database, "SELECT i FROM t")).isEqualTo("7");
            assertThat(query(database, "SHOW wal_level")).isEqualTo("logical");
            assertThat(query(database, "SHOW work_mem")).isEqualTo("5MB");
            assertThat(query(database, "SHOW fsync")).isEqualTo("on");
            assertThat(query(database, "SHOW synchronous_commit")).isEqualTo("on");
            assertThat(query(database, "SHOW full_page_writes")).isEqualTo("on");
            server.stop();
            assertThatThrownBy(server::pid).hasMessageContaining("not running");
            server.restart();
            assertThat(query(database, "SELECT i FROM t")).isEqualTo("7");
        }
    }

    @Test
    void twoServersStartAtTheSameTime() throws SQLException {
        CompletableFuture<PostgresServer> first = CompletableFuture.supplyAsync(() -> PostgresServer.start(NATIVE));
        try (PostgresServer second = PostgresServer.start(NATIVE);
                PostgresServer other = first.join()) {
            assertThat(second.port()).isNotEqualTo(other.port());
            assertThat(query(second.createDatabase("a"), "SELECT 1")).isEqualTo("1");
            assertThat(query(other.createDatabase("a"), "SELECT 1")).isEqualTo("1");
        }
    }

    @Test
    void aFailedStartShowsTheServersLogAndWhatWasTried() {
        assertThatThrownBy(() -> PostgresServer.start(NATIVE.withSetting("no_such_setting", "1")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("no_such_setting")
                .hasMessageContaining("Tried: address")
                .hasMessageContaining("OUTBOX_TEST_POSTGRES_URL");
    }

    @Test
    void anExternalServerIsUsedButNotTouched() throws SQLException {
        try (PostgresServer server = PostgresServer.start(NATIVE)) {
            System.setProperty("OUTBOX_TEST_POSTGRES_URL", server.jdbcUrl() + "?ApplicationName=external");
            System.setProperty("OUTBOX_TEST_POSTGRES_USER", server.user());
            try (PostgresServer external = PostgresServer.start();
                    TestDatabase database = external.createDatabase("external")) {
                assertThat(query(database, "SELECT current_database() || '/' || current_setting('application_name')"))
                        .isEqualTo("external/external");
                assertThatThrownBy(external::kill)
                        .isInstanceOf(UnsupportedOperationException.class)
                        .hasMessageContaining("OUTBOX_TEST_POSTGRES_URL");
                try (PostgresServer own = PostgresServer.start(NATIVE.withSetting("work_mem", "5MB"))) {
                    assertThat(own.port()).isNotEqualTo(server.port());
                }
            } finally {
                System.clearProperty("OUTBOX_TEST_POSTGRES_URL");
                System.clearProperty("OUTBOX_TEST_POSTGRES_USER");
            }
            assertThat(server.isRunning()).isTrue();
        }
    }

    static String query(TestDatabase database, String sql) throws SQLException {
        try (Connection connection = database.connection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }

    private static int active(TestDatabase database) {
        try {
            return Integer.parseInt(query(
                    database,
                    "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%generate_series(1,%'"
                            + " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"));
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void swallow(Runnable work) {
        try {
            work.run();
        } catch (IllegalStateException e) {
            assertThat(e).hasMessageContaining("SQL failed");
        }
    }
}
