package dev.outbox.consumer;

/**
 * Handles events with their payload, where the effect goes through a framework that binds the transaction to the thread,
 * such as Spring. Otherwise see {@link JdbcPayloadHandler}.
 *
 * @param <T> the class of the payload
 */
@FunctionalInterface
public interface PayloadHandler<T> {

    /**
     * Makes the effect of an event as {@link EventHandler#handle} does.
     *
     * @param event the event as it came, in its own version
     * @param payload its payload, in a version of the handler's
     */
    void handle(ReceivedEvent event, T payload) throws Exception;
}
