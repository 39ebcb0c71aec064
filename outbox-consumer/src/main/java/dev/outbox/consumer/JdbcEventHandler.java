package dev.outbox.consumer;

import java.sql.Connection;

/** Handles events on a JDBC connection. */
@FunctionalInterface
public interface JdbcEventHandler {

    /**
     * Makes the effect of an event on this connection, in the transaction that was begun for it, and neither commits,
     * rolls back nor closes it.
     *
     * <p>Whatever is thrown rolls the effect back; the event is handled again later. May be called by several threads
     * at once, with events of different keys.
     */
    void handle(ReceivedEvent event, Connection connection) throws Exception;
}
