package dev.outbox.consumer;

import java.util.concurrent.CompletableFuture;

/**
 * A running receiver, whichever broker it receives from: what has to be known to end it and to see that it runs.
 *
 * <pre>{@code
 * boolean healthy = !receiver.stopped().isDone();
 * }</pre>
 */
public interface Receiver extends AutoCloseable {

    /** Completes when the receiver was closed; completes exceptionally when it cannot go on. */
    CompletableFuture<Void> stopped();

    /** Finishes the event in hand within the time that the settings give it, and ends. What is not done comes again. */
    @Override
    void close();
}
