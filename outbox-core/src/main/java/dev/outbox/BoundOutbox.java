package dev.outbox;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;

/** Appends to whatever connection the source has for the current transaction. */
final class BoundOutbox implements Outbox {

    private final JdbcOutbox outbox;
    private final ConnectionSource source;

    BoundOutbox(JdbcOutbox outbox, ConnectionSource source) {
        this.outbox = outbox;
        this.source = source;
    }

    @Override
    public UUID append(OutboxMessage message) {
        return with(connection -> outbox.append(connection, message));
    }

    @Override
    public List<UUID> appendAll(List<OutboxMessage> messages) {
        return with(connection -> outbox.appendAll(connection, messages));
    }

    private <R> R with(Function<Connection, R> append) {
        try {
            Connection connection = source.acquire();
            try {
                return append.apply(connection);
            } finally {
                source.release(connection);
            }
        } catch (SQLException e) {
            throw new OutboxException(
                    "Append failed: the connection of the transaction could not be had or given back, sqlState="
                            + e.getSQLState(),
                    e);
        }
    }
}
