package dev.outbox.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import dev.outbox.JdbcOutbox;
import dev.outbox.Outbox;
import dev.outbox.OutboxException;
import dev.outbox.OutboxMessage;
import dev.outbox.OutboxSettings;
import dev.outbox.testkit.PostgresOptions;
import dev.outbox.testkit.PostgresServer;
import dev.outbox.testkit.TestDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** On the oldest and the newest PostgreSQL that is supported. */
@ParameterizedClass
@ValueSource(ints = {14, 18})
class OutboxSchemaIT {

    private static final List<String> SCRIPTS = List.of(
            "migration/V1__message.sql",
            "migration/V2__relay.sql",
            "migration/V3__append.sql",
            "migration/V4__retries.sql",
            "migration/V5__questions.sql",
            "migration/V6__operations.sql",
            "migration/V7__roles.sql",
            "inbox/V1__inbox.sql");

    @SuppressWarnings("NullAway.Init") // Started before each round of the class.
    private static PostgresServer server;

    @Parameter
    private int version;

    @BeforeParameterizedClassInvocation
    static void start(int version) {
        server = PostgresServer.start(PostgresOptions.defaults().withVersion(version));
    }

    @AfterParameterizedClassInvocation
    static void stop() {
        server.close();
    }

    @Test
    void isTheServerThatWasAskedFor() throws SQLException {
        TestDatabase database = server.createDatabase("version");
        assertThat(strings(database, "show server_version_num"))
                .singleElement(STRING)
                .startsWith(version + "");
    }

    @Test
    void createsBothInOneSchemaOfAnyNameAndDoesNothingTheSecondTime() throws SQLException {
        TestDatabase database = server.createDatabase("one_schema");
        assertThat(OutboxSchema.migrate(database.dataSource(), "messages_of_2026"))
                .isEqualTo(SCRIPTS.size() - 1);
        assertThat(OutboxSchema.migrateInbox(database.dataSource(), "messages_of_2026"))
                .isEqualTo(1);
        assertThat(OutboxSchema.migrate(database.dataSource(), "messages_of_2026"))
                .isZero();
        assertThat(OutboxSchema.migrateInbox(database.dataSource(), "messages_of_2026"))
                .isZero();
        assertThat(strings(
                        database,
                        "select table_schema from information_schema.tables where table_name in ('message', 'inbox',"
                                + " 'outbox_schema_history', 'inbox_schema_history')"))
                .hasSize(4)
                .containsOnly("messages_of_2026");
        appends(database, "messages_of_2026");
    }

    @Test
    void livesBesideTheTablesOfAnApplication() throws SQLException {
        TestDatabase database = server.createDatabase("beside");
        database.execute("create table orders (id int); create table flyway_schema_history (mine int)");
        OutboxSchema.migrate(database.dataSource(), "public");
        OutboxSchema.migrateInbox(database.dataSource(), "public");
        assertThat(strings(database, "select count(*) from flyway_schema_history"))
                .containsExactly("0");
        appends(database, "public");
    }

    @Test
    void severalInstancesMayMigrateAtOnce() throws Exception {
        TestDatabase database = server.createDatabase("at_once");
        int instances = 6;
        CyclicBarrier barrier = new CyclicBarrier(instances);
        ExecutorService executor = Executors.newFixedThreadPool(instances);
        try {
            List<Future<Integer>> applied = IntStream.range(0, instances)
                    .mapToObj(i -> executor.submit(() -> {
                        barrier.await();
                        return OutboxSchema.migrate(database.dataSource(), "outbox")
                                + OutboxSchema.migrateInbox(database.dataSource(), "outbox");
                    }))
                    .toList();
            int all = 0;
            for (Future<Integer> instance : applied) {
                all += instance.get();
            }
            assertThat(all).isEqualTo(SCRIPTS.size());
        } finally {
            executor.shutdownNow();
        }
        appends(database, "outbox");
    }

    @Test
    void theScriptsRunAsTheyAreWhereTheSearchPathPoints() throws SQLException, IOException {
        TestDatabase database = server.createDatabase("plain_scripts");
        try (Connection connection = database.connection();
                Statement statement = connection.createStatement()) {
            statement.execute("create schema plain");
            statement.execute("set search_path = plain");
            for (String script : SCRIPTS) {
                statement.execute(read(script));
            }
        }
        appends(database, "plain");
        assertThat(strings(
                        database,
                        "select plain.append(topic => 't', type => 'a.b', payload => '{}') is not null as appended"))
                .containsExactly("t");
    }

    @Test
    void saysWhichMigrationFailed() {
        TestDatabase database = server.createDatabase("failing");
        database.execute("create schema outbox; create table outbox.message (mine int)");
        assertThatThrownBy(() -> OutboxSchema.migrate(database.dataSource(), "outbox"))
                .isInstanceOf(OutboxException.class)
                .hasMessageContaining("schema=outbox")
                .hasMessageContaining("history=outbox_schema_history")
                .hasRootCauseInstanceOf(SQLException.class);
        assertThatThrownBy(() -> OutboxSchema.migrate(database.dataSource(), "No"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static void appends(TestDatabase database, String schema) throws SQLException {
        JdbcOutbox outbox = Outbox.jdbc(OutboxSettings.of("order-service").withSchema(schema));
        try (Connection connection = database.connection()) {
            connection.setAutoCommit(false);
            outbox.append(connection, OutboxMessage.of("orders", "order.created", "1", "x"));
            outbox.appendAll(connection, List.of(OutboxMessage.of("orders", "order.created", "2", "x")));
            connection.commit();
        }
        assertThat(strings(database, "select key from " + schema + ".message order by seq"))
                .containsExactly("1", "2");
        assertThat(strings(database, "select key from " + schema + ".pending order by seq"))
                .containsExactly("1", "2");
    }

    private static String read(String script) throws IOException {
        try (InputStream in = OutboxSchemaIT.class.getResourceAsStream("/dev/outbox/db/" + script)) {
            assertThat(in).as(script).isNotNull();
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static List<String> strings(TestDatabase database, String sql) throws SQLException {
        try (Connection connection = database.connection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<String> strings = new ArrayList<>();
            while (rows.next()) {
                strings.add(rows.getString(1));
            }
            return strings;
        }
    }
}
