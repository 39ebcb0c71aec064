package dev.outbox.consumer;

/**
 * Handles events whose effect goes through a framework that binds the transaction to the thread, such as Spring.
 * Otherwise see {@link JdbcEventHandler}.
 */
@FunctionalInterface
public interface EventHandler {

    /**
     * Makes the effect of an event, in the transaction that was begun for it, and neither commits nor rolls back.
     *
     * <p>Whatever is thrown rolls the effect back; the event is handled again later. May be called by several threads
     * at once, with events of different keys.
     */
    void handle(ReceivedEvent event) throws Exception;
}
