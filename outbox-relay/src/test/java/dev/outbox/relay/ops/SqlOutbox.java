package dev.outbox.relay.ops;

import dev.outbox.schema.OutboxSchema;
import dev.outbox.testkit.TestDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** An outbox without relay and broker, in the schema {@code outbox}: what they would have left there is put there by SQL. */
final class SqlOutbox implements AutoCloseable {

    static final String ACCEPTED = "accepted";

    private static final String PASSWORD = "not-a-secret";

    /** One position for each lane: everything that is committed now is published or parked. */
    private static final String CHECKPOINT = """
            INSERT INTO checkpoint (channel, generation, lane, no, snapshot, published, parked, first_seq, last_seq,
              broker_positions, relay, epoch, system_identifier, timeline)
            SELECT p.channel, p.generation, p.lane, coalesce(p.no, 0) + 1, pg_current_snapshot(), 0, 0, (SELECT min(seq) FROM message),
              (SELECT max(seq) FROM message), '{"orders-0": [0, 41], "other-1": [7, 9]}', 'relay-1', 1, 1, 1
            FROM lane_position p
            WHERE p.channel = ?
            """;

    private static final String PARK = """
            INSERT INTO parked (seq, id, channel, topic, key, type, version, occurred_at, source, payload, content_type,
              generation, lane, state, reason, attempts, last_error_class, last_error, held_by)
            SELECT seq, id, channel, topic, key, type, version, occurred_at, source, payload, content_type, 1, 0, ?, ?, ?, ?, ?, ?
            FROM message
            WHERE seq = ?
            """;

    private static final String EMPTY = """
            TRUNCATE message, segment_log, relay, lane, checkpoint, parked, attempt, replay, replay_lane, audit
              RESTART IDENTITY;
            ALTER SEQUENCE message_seq RESTART;
            SELECT setval('segment_seq', 0);
            INSERT INTO segment_log (no, segment) VALUES (0, 0);
            """;

    private final TestDatabase database;
    private final Connection owner;

    SqlOutbox(TestDatabase database) throws SQLException {
        this.database = database;
        this.owner = connect();
    }

    @Override
    public void close() throws SQLException {
        owner.close();
    }

    /**
     * Ten messages of channel {@code default} with two lanes: 1 is dead and holds 2 and 3 of its key, 4 is tried again, 5 waits for
     * its topic, 6 to 8 are published, 9 and 10 are pending. Gives their ids.
     */
    List<String> tenMessages() throws SQLException {
        reset();
        createLanes(2);
        List<String> ids = new ArrayList<>();
        ids.addAll(append("orders", "bad", 3));
        ids.addAll(append("orders", "slow", 1));
        ids.addAll(append("missing", "k", 1));
        ids.addAll(append("orders", "good", 3));
        checkpoint();
        ids.addAll(append("orders", "late", 2));
        park(1, "DEAD", null);
        park(2, "HELD", 1L);
        park(3, "HELD", 1L);
        park(4, "RETRYING", null);
        park(5, "WAITING", null);
        execute("UPDATE parked SET next_attempt_at = '2100-01-01Z' WHERE seq = 4");
        return ids;
    }

    /** Makes the schema, or empties the one that is there. */
    void reset() throws SQLException {
        if (query("SELECT to_regclass('outbox.audit')").contains("null")) {
            OutboxSchema.migrate(database.dataSource(), "outbox");
        } else {
            execute(EMPTY);
        }
    }

    /** Makes the four roles, and their members {@code writer}, {@code relay}, {@code auditor} and {@code operator} of this database. */
    void createRoles() throws SQLException {
        execute(resource("roles.sql"));
        for (String role : List.of("writer", "relay", "auditor", "operator")) {
            execute("DROP ROLE IF EXISTS " + login(role));
            execute("CREATE ROLE " + login(role) + " LOGIN PASSWORD '" + PASSWORD + "' IN ROLE outbox_" + role);
        }
    }

    /** The name of the member, which belongs to the whole server. */
    String login(String role) {
        return "\"" + database.name() + "_" + role + "\"";
    }

    String password() {
        return PASSWORD;
    }

    /** A connection as the member of a role, with its search path on the outbox. */
    Connection connectAs(String role) throws SQLException {
        Connection connection =
                DriverManager.getConnection(database.jdbcUrl(), login(role).replace("\"", ""), PASSWORD);
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET search_path = outbox");
        }
        return connection;
    }

    /** A connection as the owner. */
    Connection connect() throws SQLException {
        Connection connection = database.connection();
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET search_path = outbox");
        }
        return connection;
    }

    /** Appends messages and returns their ids. */
    List<String> append(String topic, @Nullable String key, int count) throws SQLException {
        List<String> ids = new ArrayList<>();
        try (PreparedStatement insert = owner.prepareStatement("""
                        INSERT INTO message (topic, key, type, source, payload)
                        SELECT ?, ?, 'order.created', 'test', '{"secret": 42}'
                        FROM generate_series(1, ?)
                        RETURNING id
                        """)) {
            insert.setString(1, topic);
            insert.setString(2, key);
            insert.setInt(3, count);
            try (ResultSet rows = insert.executeQuery()) {
                while (rows.next()) {
                    ids.add(rows.getString(1));
                }
            }
        }
        return ids;
    }

    /** Divides channel {@code default} into lanes that nobody owns. */
    void createLanes(int count) throws SQLException {
        execute("INSERT INTO lane (channel, generation, lane, lanes) SELECT 'default', 1, n, " + count
                + " FROM generate_series(0, " + (count - 1) + ") n");
    }

    /** As relays do when everything is published or parked. */
    void checkpoint() throws SQLException {
        try (PreparedStatement checkpoint = owner.prepareStatement(CHECKPOINT)) {
            checkpoint.setString(1, "default");
            checkpoint.executeUpdate();
        }
    }

    /** Parks the message with this number as a relay would that was told it is too large, or that its topic is missing. */
    void park(long seq, String state, @Nullable Long heldBy) throws SQLException {
        try (PreparedStatement park = owner.prepareStatement(PARK)) {
            boolean tried = heldBy == null;
            boolean topic = state.equals("WAITING");
            park.setString(1, state);
            park.setString(2, !tried ? null : topic ? "TOPIC" : "MESSAGE");
            park.setInt(3, tried ? 3 : 0);
            park.setString(4, !tried ? null : topic ? "UnknownTopicOrPartitionException" : "RecordTooLargeException");
            park.setString(5, !tried ? null : topic ? "no such topic" : "larger than 1 MiB");
            park.setObject(6, heldBy);
            park.setLong(7, seq);
            assertThatOneRowIs(park.executeUpdate());
        }
    }

    private static void assertThatOneRowIs(int rows) {
        if (rows != 1) {
            throw new AssertionError("No such message to park");
        }
    }

    void execute(String sql) throws SQLException {
        try (Statement statement = owner.createStatement()) {
            statement.execute(sql);
        }
    }

    /** The rows as text, their columns separated by a bar. */
    List<String> query(String sql, Object... values) throws SQLException {
        return query(owner, sql, values);
    }

    static List<String> query(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            List<String> answer = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    StringBuilder row = new StringBuilder();
                    for (int column = 1; column <= rows.getMetaData().getColumnCount(); column++) {
                        row.append(column == 1 ? "" : "|").append(rows.getString(column));
                    }
                    answer.add(row.toString());
                }
            }
            return answer;
        }
    }

    /** What a statement is refused with, by SQLSTATE, message and hint; or {@link #ACCEPTED}. */
    static String refusal(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            statement.execute();
            return ACCEPTED;
        } catch (PSQLException e) {
            ServerErrorMessage error = Objects.requireNonNull(e.getServerErrorMessage(), e::getMessage);
            return e.getSQLState() + " " + error.getMessage() + " / " + error.getHint();
        }
    }

    String refusal(String sql, Object... values) throws SQLException {
        return refusal(owner, sql, values);
    }

    static String resource(String name) {
        try (InputStream in = SqlOutbox.class.getResourceAsStream("/dev/outbox/db/" + name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
