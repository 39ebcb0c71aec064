package dev.outbox.consumer;

import java.sql.Connection;

/**
 * Handles events with their payload on a JDBC connection.
 *
 * @param <T> the class of the payload
 */
@FunctionalInterface
public interface JdbcPayloadHandler<T> {

    /**
     * Makes the effect of an event on this connection as {@link JdbcEventHandler#handle} does.
     *
     * @param event the event as it came, in its own version
     * @param payload its payload, in a version of the handler's
     */
    void handle(ReceivedEvent event, T payload, Connection connection) throws Exception;
}
