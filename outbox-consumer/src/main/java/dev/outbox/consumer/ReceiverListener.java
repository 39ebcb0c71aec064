package dev.outbox.consumer;

import java.time.Duration;
import java.util.Collection;

/**
 * Hears what a receiver does. Logging and metrics are listeners.
 *
 * <p>Calls come on the receiver's own thread and must not block; what they throw ends the receiver.
 */
public interface ReceiverListener {

    /** An event was received. */
    default void received(ReceivedEvent event, EventReceiver.Outcome outcome) {}

    /** An event was not handled and is tried again; nothing behind it in its partition or queue is received before. */
    default void failed(ReceivedEvent event, int attempt, Throwable cause, Duration retryIn) {}

    /** A record is not an event; its partition or queue stands still until it is. */
    default void malformed(Origin origin, int attempt, MalformedEventException cause, Duration retryIn) {}

    /** A record is not an event and was passed by. */
    default void malformedSkipped(Origin origin, MalformedEventException cause) {}

    /** From now on it receives from these: partitions, as {@code topic-partition}, or a queue. */
    default void assigned(Collection<String> sources) {}

    /**
     * It receives from these no longer: partitions went to another receiver, or were taken away because this one was not
     * heard of; a queue's connection has ended.
     */
    default void revoked(Collection<String> sources) {}

    /** The broker deleted records of a partition before they were received: they are lost to this consumer. */
    default void recordsMissing(String partition, long expectedOffset) {}

    /** Positions were not written down; they are with the next ones, else what they cover is delivered again. */
    default void commitFailed(Throwable cause) {}

    /** The broker, or the way to it, failed; the receiver connects again. */
    default void outage(Throwable cause, Duration retryIn) {}

    /** A message was still being handled when the time for closing was over; it was interrupted. */
    default void closedLate(Duration waited) {}

    /** The receiver cannot go on and has stopped. */
    default void stopped(Throwable cause) {}

    /** Writes everything to the log of this package. */
    static ReceiverListener logging() {
        return new LoggingReceiverListener();
    }
}
