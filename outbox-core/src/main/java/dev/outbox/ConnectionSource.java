package dev.outbox;

import java.sql.Connection;
import java.sql.SQLException;

/**
 * Where an {@link Outbox} finds the connection of the current transaction: the seam for frameworks that bind it to a
 * thread. Must be usable by any number of threads.
 *
 * <pre>{@code
 * ThreadLocal<Connection> current = new ThreadLocal<>();
 * Outbox outbox = Outbox.jdbc(settings).bind(current::get);
 * }</pre>
 */
@FunctionalInterface
public interface ConnectionSource {

    /**
     * Returns the connection of the caller's transaction. It is neither committed, rolled back nor closed by the
     * outbox.
     *
     * @throws NoTransactionException if no transaction is active
     */
    Connection acquire() throws SQLException;

    /** Takes back a connection after the append, whether it succeeded or not. Does nothing unless overridden. */
    default void release(Connection connection) throws SQLException {}
}
