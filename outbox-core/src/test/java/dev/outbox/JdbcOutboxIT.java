package dev.outbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outbox.schema.OutboxSchema;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OutboxServers.class)
class JdbcOutboxIT {

    record OrderCreated(String orderId, int total) {}

    private final JdbcOutbox outbox = Outbox.jdbc(OutboxSettings.of("order-service"));
    private final TestDatabase database;
    private Connection connection;

    JdbcOutboxIT(TestDatabase database) throws SQLException {
        this.database = database;
        this.connection = database.connection();
    }

    @BeforeAll
    static void migrate(TestDatabase database) {
        OutboxSchema.migrate(database.dataSource(), "outbox");
        database.execute("create table orders (id text primary key)");
    }

    @BeforeEach
    void begin() throws SQLException {
        database.execute("truncate outbox.message, orders");
        connection.setAutoCommit(false);
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
    }

    @Test
    void appendsEveryColumnInTheTransactionOfTheCaller() throws SQLException {
        UUID id = outbox.append(
                connection,
                OutboxMessage.of("orders", "order.created", "order-1", new OrderCreated("order-1", 1999))
                        .withChannel("slow")
                        .withVersion("2.1")
                        .withHeader("tenant", "a\"b\\c\né€😀")
                        .withCorrelationId("corr")
                        .withCausationId("cause")
                        .withOccurredAt(Instant.parse("2026-01-15T10:30:00.123456789Z")));
        assertThat(count()).isZero();
        connection.commit();
        assertThat(strings(
                        "select concat_ws('|', id, channel, topic, key, type, version, occurred_at at time zone 'UTC',"
                                + " correlation_id, causation_id, source, payload, content_type) from outbox.message"))
                .containsExactly(id + "|slow|orders|order-1|order.created|2.1|2026-01-15 10:30:00.123456|corr|cause"
                        + "|order-service|{\"orderId\":\"order-1\",\"total\":1999}|application/json");
        assertThat(strings("select headers ->> 'tenant' from outbox.message")).containsExactly("a\"b\\c\né€😀");
        assertThat(strings("select xid = pg_current_xact_id_if_assigned() from outbox.message"))
                .hasSize(1);
    }

    @Test
    void leavesNothingAfterARollbackOrASavepoint() throws SQLException {
        outbox.append(connection, message("order-1"));
        Savepoint savepoint = connection.setSavepoint();
        outbox.append(connection, message("order-2"));
        connection.rollback(savepoint);
        connection.commit();
        outbox.append(connection, message("order-3"));
        connection.rollback();
        assertThat(strings("select key from outbox.message")).containsExactly("order-1");
    }

    @Test
    void keepsJsonByteForByteAndBytesAsTheyAre() throws SQLException {
        String json = " {\"b\" : 1.10,\n \"a\":\"\\u0000é\", \"a\":[ ] } ";
        byte[] body = {0, 1, (byte) 0xff};
        outbox.append(connection, OutboxMessage.ofJson("orders", "order.created", "1", json));
        outbox.append(
                connection,
                OutboxMessage.ofJson("orders", "order.created", "2", json.getBytes(StandardCharsets.UTF_8)));
        outbox.append(connection, OutboxMessage.ofBytes("orders", "order.created", "3", body, "application/avro"));
        outbox.append(connection, OutboxMessage.tombstone("orders", "order.deleted", "4"));
        outbox.appendAll(
                connection,
                List.of(
                        OutboxMessage.ofJson("orders", "order.created", null, json),
                        OutboxMessage.ofBytes("orders", "order.created", null, body, "application/avro"),
                        OutboxMessage.tombstone("orders", "order.deleted", "7")));
        connection.commit();
        assertThat(strings("select payload from outbox.message order by seq"))
                .containsExactly(json, json, null, null, json, null, null);
        assertThat(strings("select encode(body, 'hex') from outbox.message order by seq"))
                .containsExactly(null, null, "0001ff", null, null, "0001ff", null);
        assertThat(strings("select content_type from outbox.message where body is not null"))
                .containsExactly("application/avro", "application/avro");
        assertThat(strings("select headers from outbox.message where headers is not null"))
                .isEmpty();
    }

    @Test
    void appendsAListInItsOrderOverAllChunks() throws SQLException {
        List<OutboxMessage> messages =
                IntStream.range(0, 2500).mapToObj(i -> message("order-" + i)).toList();
        List<UUID> ids = outbox.appendAll(connection, messages);
        connection.commit();
        assertThat(ids).hasSize(2500).isSorted();
        assertThat(strings("select key from outbox.message order by seq"))
                .isEqualTo(messages.stream().map(m -> m.key().orElseThrow()).toList());
        assertThat(strings("select id from outbox.message order by seq"))
                .isEqualTo(ids.stream().map(UUID::toString).toList());
    }

    @Test
    void appendsAListOfAThousandWithOneStatement() throws SQLException {
        try (CountingConnection counting = new CountingConnection(connection)) {
            outbox.appendAll(
                    counting.proxy(),
                    IntStream.range(0, 1000).mapToObj(i -> message("k")).toList());
            assertThat(counting.executions()).isEqualTo(1);
            outbox.append(counting.proxy(), message("k"));
            assertThat(counting.executions()).isEqualTo(2);
            String big = "\"" + "x".repeat(1000 * 1000) + "\"";
            outbox.appendAll(
                    counting.proxy(),
                    IntStream.range(0, 17)
                            .mapToObj(i -> OutboxMessage.ofJson("orders", "order.created", "k", big))
                            .toList());
            assertThat(counting.executions()).isEqualTo(5);
            outbox.appendAll(counting.proxy(), List.of());
            assertThat(counting.executions()).isEqualTo(5);
        }
    }

    @Test
    void refusesAConnectionWithoutATransaction() throws SQLException {
        connection.setAutoCommit(true);
        assertThatThrownBy(() -> outbox.append(connection, message("order-1")))
                .isInstanceOf(NoTransactionException.class)
                .hasMessageContaining("auto-commit")
                .hasMessageContaining("setAutoCommit(false)");
        assertThatThrownBy(() -> outbox.appendAll(connection, List.of(message("order-1"))))
                .isInstanceOf(NoTransactionException.class);
        assertThat(count()).isZero();
    }

    @Test
    void refusesAReadOnlyTransactionAndLeavesItUsable() throws SQLException {
        connection.setReadOnly(true);
        assertThat(strings(connection, "select 1::text")).containsExactly("1");
        assertThatThrownBy(() -> outbox.append(connection, message("order-1")))
                .isInstanceOf(NoTransactionException.class)
                .hasMessageContaining("read-only");
        assertThat(strings(connection, "select 1::text")).containsExactly("1");
        connection.rollback();
    }

    @Test
    void namesTheMessageAndKeepsTheCauseWhenTheDatabaseRefuses() {
        JdbcOutbox elsewhere = Outbox.jdbc(OutboxSettings.of("order-service").withSchema("nowhere"));
        assertThatThrownBy(() -> elsewhere.append(connection, message("order-1")))
                .isInstanceOf(OutboxException.class)
                .hasMessageContaining("topic=orders")
                .hasMessageContaining("sqlState=42P01")
                .hasCauseInstanceOf(SQLException.class);
    }

    @Test
    void aRefusedMessageLeavesTheTransactionOfTheCallerUsable() throws SQLException {
        List<BadMessages.Case> cases = BadMessages.all();
        for (int i = 0; i < cases.size(); i++) {
            BadMessages.Case bad = cases.get(i);
            execute("insert into orders values ('" + i + "')");
            assertThatThrownBy(() -> outbox.append(connection, bad.message()))
                    .as(bad.name())
                    .isInstanceOfSatisfying(InvalidMessageException.class, e -> {
                        assertThat(e.field()).isEqualTo(bad.field());
                        assertThat(e).hasMessageContaining(bad.field()).hasMessageContaining(bad.limit());
                    });
            assertThatThrownBy(() -> outbox.appendAll(connection, List.of(message("good"), bad.message())))
                    .as(bad.name())
                    .isInstanceOfSatisfying(
                            InvalidMessageException.class,
                            e -> assertThat(e.index()).hasValue(1));
            connection.commit();
        }
        assertThat(strings("select count(*) from orders")).containsExactly("" + cases.size());
        assertThat(count()).isZero();
    }

    @Test
    void theTableTakesWhatTheDoorLetsThroughAtEveryLimit() throws SQLException {
        JdbcOutbox wide =
                Outbox.jdbc(OutboxSettings.of("s".repeat(255)).withPayloadBytesMax(OutboxSettings.PAYLOAD_BYTES_MAX));
        OutboxMessage most = OutboxMessage.ofJson(
                        "é".repeat(124) + "t",
                        "a." + "b".repeat(253),
                        "😀".repeat(256),
                        "\"" + "x".repeat(OutboxSettings.PAYLOAD_BYTES_MAX - 2) + "\"")
                .withChannel("c".repeat(63))
                .withVersion("99999.99999")
                .withCorrelationId("c".repeat(255))
                .withCausationId("c".repeat(255))
                .withContentType("c".repeat(255))
                .withOccurredAt(Instant.parse("9999-12-31T23:59:59.999999999Z"))
                .withHeader("h".repeat(255), "v".repeat(8192))
                .withHeader("b", "\u0001".repeat(32768 / 6 - 1500))
                .withHeader("c", "");
        OutboxMessage least = OutboxMessage.ofBytes("t", "a.b", "k", new byte[0], "c")
                .withChannel("c")
                .withOccurredAt(Instant.parse("0001-01-01T00:00:00Z"));
        wide.append(connection, most);
        wide.append(connection, least);
        wide.appendAll(connection, List.of(most, least));
        connection.commit();
        assertThat(count()).isEqualTo(4);
    }

    @Test
    void theTableTakesEveryJsonTextTheDoorLetsThrough() throws SQLException {
        int accepted = 0;
        for (String text : JsonTexts.mutated(2000)) {
            OutboxMessage message = OutboxMessage.ofJson("orders", "order.created", "k", text);
            try {
                outbox.append(connection, message);
                accepted++;
            } catch (InvalidMessageException e) {
                assertThat(e.field()).isEqualTo("payload");
            }
        }
        connection.commit();
        assertThat(count()).isEqualTo(accepted).isBetween(200, 1800);
    }

    @Test
    void bindsToTheConnectionOfASource() throws SQLException {
        List<Connection> released = new ArrayList<>();
        Outbox bound = outbox.bind(new ConnectionSource() {
            @Override
            public Connection acquire() {
                return connection;
            }

            @Override
            public void release(Connection given) {
                released.add(given);
            }
        });
        bound.append(message("1"));
        bound.appendAll(List.of(message("2"), message("3")));
        connection.commit();
        assertThat(strings("select key from outbox.message order by seq")).containsExactly("1", "2", "3");
        assertThat(released).containsExactly(connection, connection);
    }

    private static OutboxMessage message(String key) {
        return OutboxMessage.of("orders", "order.created", key, new OrderCreated(key, 1));
    }

    private int count() {
        return Integer.parseInt(strings("select count(*) from outbox.message").get(0));
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private List<String> strings(String sql) {
        try (Connection other = database.connection()) {
            return strings(other, sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<String> strings(Connection connection, String sql) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql);
                ResultSet rows = statement.executeQuery()) {
            List<String> strings = new ArrayList<>();
            while (rows.next()) {
                strings.add(rows.getString(1));
            }
            return strings;
        }
    }
}
