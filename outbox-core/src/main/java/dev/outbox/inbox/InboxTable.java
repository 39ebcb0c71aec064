package dev.outbox.inbox;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/** The statements on the table {@code inbox}. */
final class InboxTable {

    private static final String RECORD = """
            insert into %s.inbox (consumer, message_id)
            values (?, ?)
            on conflict do nothing
            """;

    /** In one order for everybody, so that two batches that share ids do not deadlock. */
    private static final String RECORD_ALL = """
            insert into %s.inbox (consumer, message_id)
            select ?::text, id
            from unnest(?::text[]) as m (id)
            order by id
            on conflict do nothing
            returning message_id
            """;

    private static final String REMOVE = """
            delete from %1$s.inbox
            where ctid = any (array(
              select ctid
              from %1$s.inbox
              where received_at < now() - make_interval(secs => ?)
              limit ?
              -- Another instance that removes the same rows is passed by.
              for update skip locked))
            """;

    private final String record;
    private final String recordAll;
    private final String remove;

    InboxTable(String schema) {
        this.record = RECORD.formatted(schema);
        this.recordAll = RECORD_ALL.formatted(schema);
        this.remove = REMOVE.formatted(schema);
    }

    /** Returns whether the id is new; waits for a transaction that is recording the same. */
    boolean record(Connection connection, String consumer, String messageId) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(record)) {
            statement.setString(1, consumer);
            statement.setString(2, messageId);
            return statement.executeUpdate() == 1;
        }
    }

    /** Returns those of the ids that are new. */
    Set<String> recordAll(Connection connection, String consumer, Collection<String> messageIds) throws SQLException {
        Array ids = connection.createArrayOf("text", messageIds.toArray());
        try (PreparedStatement statement = connection.prepareStatement(recordAll)) {
            statement.setString(1, consumer);
            statement.setArray(2, ids);
            Set<String> fresh = new HashSet<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    fresh.add(rows.getString(1));
                }
            }
            return fresh;
        } finally {
            ids.free();
        }
    }

    /** Returns how many rows were removed, at most {@code rowsMax}. */
    int remove(Connection connection, Duration age, int rowsMax) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(remove)) {
            statement.setDouble(1, age.toMillis() / 1000.0);
            statement.setInt(2, rowsMax);
            return statement.executeUpdate();
        }
    }
}
