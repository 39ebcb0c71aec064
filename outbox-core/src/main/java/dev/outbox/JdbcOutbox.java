package dev.outbox;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An outbox on plain JDBC: the caller gives the connection, whose transaction the message joins. Made by
 * {@link Outbox#jdbc}; promises what {@link Outbox} promises. The connection must be PostgreSQL's, with auto-commit off;
 * it is neither committed, rolled back nor closed here.
 *
 * <pre>{@code
 * JdbcOutbox outbox = Outbox.jdbc(OutboxSettings.of("order-service"));
 * try (Connection connection = dataSource.getConnection()) {
 *     connection.setAutoCommit(false);
 *     insertOrder(connection, order);
 *     outbox.append(connection, OutboxMessage.of("orders", "order.created", order.id(), order));
 *     connection.commit();
 * }
 * }</pre>
 *
 * <p>Cost: one round trip for an append; for a list, one for every {@value #CHUNK_ROWS_MAX} messages or 8 MiB. The
 * table's CHECKs are prepared once for each statement, so a list costs far less for each message than single appends.
 */
public final class JdbcOutbox {

    /** The most messages that one statement carries. */
    static final int CHUNK_ROWS_MAX = 1000;

    /** The most bytes of messages that one statement carries; a single message may be larger. */
    static final int CHUNK_BYTES_MAX = 8 * 1024 * 1024;

    private static final String INSERT = """
            insert into %s.message (
              id, channel, topic, key, type, version, occurred_at,
              correlation_id, causation_id, source, headers, payload, body, content_type)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::json, ?::json, ?, ?)
            """;

    /** Defaults are computed above the sort, row by row, so seq follows the order of the list. */
    private static final String INSERT_ALL = """
            insert into %s.message (
              id, channel, topic, key, type, version, occurred_at,
              correlation_id, causation_id, source, headers, payload, body, content_type)
            select
              id, channel, topic, key, type, version, occurred_at,
              correlation_id, causation_id, source, headers::json, payload::json, body, content_type
            from unnest(
              ?::uuid[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::timestamptz[],
              ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::bytea[], ?::text[])
              with ordinality as m (
                id, channel, topic, key, type, version, occurred_at,
                correlation_id, causation_id, source, headers, payload, body, content_type, place)
            order by place
            """;

    private final MessageEncoder encoder;
    private final String insert;
    private final String insertAll;

    JdbcOutbox(OutboxSettings settings) {
        this.encoder = new MessageEncoder(settings);
        this.insert = INSERT.formatted(settings.schema());
        this.insertAll = INSERT_ALL.formatted(settings.schema());
    }

    /**
     * Appends one message to the transaction of the connection.
     *
     * @return the id of the message
     * @throws InvalidMessageException if the message breaks a limit; no SQL was sent
     * @throws NoTransactionException if the connection commits by itself or is read-only; no SQL was sent
     * @throws OutboxException if the database refused or failed; the transaction cannot commit any more
     */
    public UUID append(Connection connection, OutboxMessage message) {
        Row row = encoder.encode(message);
        try {
            checkTransaction(connection);
            insert(connection, row);
        } catch (SQLException e) {
            throw new OutboxException(
                    "Append failed: id=" + row.id() + ", topic=" + row.topic() + ", type=" + row.type() + ", sqlState="
                            + e.getSQLState() + "; the transaction cannot commit any more",
                    e);
        }
        return row.id();
    }

    /**
     * Appends all messages to the transaction of the connection, in the order of the list; all are checked before the
     * first is sent.
     *
     * @param messages at most {@value Outbox#MESSAGES_MAX}; an empty list does nothing
     * @return the ids, in the order of the list
     * @throws InvalidMessageException if a message breaks a limit; no SQL was sent
     * @throws NoTransactionException if the connection commits by itself or is read-only; no SQL was sent
     * @throws OutboxException if the database refused or failed; the transaction cannot commit any more
     */
    public List<UUID> appendAll(Connection connection, List<OutboxMessage> messages) {
        List<Row> rows = encodeAll(messages);
        int from = 0;
        try {
            checkTransaction(connection);
            while (from < rows.size()) {
                int to = chunkEnd(rows, from);
                insertAll(connection, rows.subList(from, to));
                from = to;
            }
        } catch (SQLException e) {
            throw new OutboxException(
                    "Append failed: messages=" + rows.size() + ", index=" + from + ", sqlState=" + e.getSQLState()
                            + "; the transaction cannot commit any more",
                    e);
        }
        return rows.stream().map(Row::id).toList();
    }

    /**
     * Returns an outbox that appends to the connection the source gives: what a framework with its own transactions
     * needs.
     */
    public Outbox bind(ConnectionSource source) {
        return new BoundOutbox(this, source);
    }

    private List<Row> encodeAll(List<OutboxMessage> messages) {
        if (messages.size() > Outbox.MESSAGES_MAX) {
            throw new InvalidMessageException(
                    "messages", "0.." + Outbox.MESSAGES_MAX + " messages", messages.size() + " messages");
        }
        List<Row> rows = new ArrayList<>(messages.size());
        for (OutboxMessage message : messages) {
            try {
                rows.add(encoder.encode(message));
            } catch (InvalidMessageException e) {
                throw e.at(rows.size());
            }
        }
        return Collections.unmodifiableList(rows);
    }

    private static void checkTransaction(Connection connection) throws SQLException {
        if (connection.getAutoCommit()) {
            throw new NoTransactionException(
                    "Append refused: the connection is in auto-commit mode, so there is no transaction to join; call"
                            + " setAutoCommit(false) before the change this message tells of, and commit both together");
        }
        if (connection.isReadOnly()) {
            throw new NoTransactionException(
                    "Append refused: the transaction is read-only; make it a read-write transaction");
        }
    }

    private static int chunkEnd(List<Row> rows, int from) {
        long bytes = rows.get(from).bytes();
        int to = from + 1;
        while (to < rows.size() && to - from < CHUNK_ROWS_MAX) {
            bytes += rows.get(to).bytes();
            if (bytes > CHUNK_BYTES_MAX) {
                break;
            }
            to++;
        }
        return to;
    }

    private void insert(Connection connection, Row row) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(insert)) {
            statement.setObject(1, row.id());
            statement.setString(2, row.channel());
            statement.setString(3, row.topic());
            statement.setString(4, row.key());
            statement.setString(5, row.type());
            statement.setString(6, row.version());
            statement.setObject(7, row.occurredAt(), Types.TIMESTAMP_WITH_TIMEZONE);
            statement.setString(8, row.correlationId());
            statement.setString(9, row.causationId());
            statement.setString(10, row.source());
            statement.setString(11, row.headers());
            statement.setString(12, row.payload());
            statement.setBytes(13, row.body());
            statement.setString(14, row.contentType());
            statement.executeUpdate();
        }
    }

    private void insertAll(Connection connection, List<Row> rows) throws SQLException {
        List<Array> arrays = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(insertAll)) {
            arrays.add(array(connection, "uuid", rows, Row::id));
            arrays.add(array(connection, "text", rows, Row::channel));
            arrays.add(array(connection, "text", rows, Row::topic));
            arrays.add(array(connection, "text", rows, Row::key));
            arrays.add(array(connection, "text", rows, Row::type));
            arrays.add(array(connection, "text", rows, Row::version));
            arrays.add(array(
                    connection, "timestamptz", rows, row -> row.occurredAt().toString()));
            arrays.add(array(connection, "text", rows, Row::correlationId));
            arrays.add(array(connection, "text", rows, Row::causationId));
            arrays.add(array(connection, "text", rows, Row::source));
            arrays.add(array(connection, "text", rows, Row::headers));
            arrays.add(array(connection, "text", rows, Row::payload));
            arrays.add(connection.createArrayOf(
                    "bytea", rows.stream().map(Row::body).toArray(byte[][]::new)));
            arrays.add(array(connection, "text", rows, Row::contentType));
            for (int i = 0; i < arrays.size(); i++) {
                statement.setArray(i + 1, arrays.get(i));
            }
            statement.executeUpdate();
        } finally {
            for (Array array : arrays) {
                array.free();
            }
        }
    }

    private static Array array(
            Connection connection, String type, List<Row> rows, Function<Row, ? extends @Nullable Object> column)
            throws SQLException {
        return connection.createArrayOf(type, rows.stream().map(column).toArray());
    }
}
