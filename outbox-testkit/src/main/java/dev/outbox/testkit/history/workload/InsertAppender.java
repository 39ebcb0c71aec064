package dev.outbox.testkit.history.workload;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.UUID;

/** Appends by plain SQL, as any language may. */
final class InsertAppender implements Appender {

    private static final String INSERT = """
            insert into %s.message (id, topic, key, type, payload)
            values (?, ?, ?, ?, ?::json)
            """;

    private final String insert;

    InsertAppender(String schema) {
        insert = INSERT.formatted(Accounts.validated(schema));
    }

    @Override
    public void append(Connection connection, String topic, String key, String type, String payload, UUID id)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(insert)) {
            statement.setObject(1, id);
            statement.setString(2, topic);
            statement.setString(3, key);
            statement.setString(4, type);
            statement.setString(5, payload);
            statement.executeUpdate();
        }
    }
}
