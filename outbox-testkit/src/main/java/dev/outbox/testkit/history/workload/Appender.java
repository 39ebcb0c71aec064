package dev.outbox.testkit.history.workload;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.UUID;

/**
 * How a workload appends one message: the seam between the workload and what is being tested.
 *
 * <p>Called by many threads at once, each with a connection of its own and a transaction open on it.
 */
@FunctionalInterface
public interface Appender {

    /**
     * Appends in the connection's transaction, which it neither commits nor rolls back.
     *
     * @param payload a JSON document, to be delivered byte for byte
     */
    void append(Connection connection, String topic, String key, String type, String payload, UUID id)
            throws SQLException;

    /** A plain INSERT into {@code <schema>.message}. */
    static Appender insert(String schema) {
        return new InsertAppender(schema);
    }
}
