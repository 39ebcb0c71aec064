package dev.outbox.relay.broker;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One lane's connection to a broker, used by one thread.
 *
 * <p>Messages are sent in the order of the calls, many in flight. A session that reported an outage is of no further
 * use, unless it says that it is {@link #usable}: the lane closes it and opens another.
 */
public interface BrokerSession extends AutoCloseable {

    /**
     * Sends a message. What the broker said of it arrives at {@code delivery}, usually on a thread of the client.
     *
     * @return empty when the message is on its way; a failure when the client itself knows that it cannot be sent, and
     *     then {@code delivery} is not called
     */
    Optional<Failure> send(Message message, Delivery delivery);

    /** Has everything sent so far leave for the broker at once instead of waiting for a fuller batch. */
    void flush();

    /**
     * Whether the session goes on after the outages that it reported, because they were about single messages that the
     * broker could not take at the moment, as when a queue is full. Then it answers for all others too, and the lane sends
     * again those that were not accepted.
     */
    default boolean usable() {
        return false;
    }

    /**
     * Which of these topics are gone, of those from which nothing has been heard for a while although messages are on their way to
     * them. Returns at once with what is known by now, and finds out more beside that. What is on its way to such a topic may never
     * be answered: the lane gives it up, and the session with it.
     */
    default Map<String, Failure> missing(Set<String> silent) {
        return Map.of();
    }

    /** Ends the session at once, without waiting for what is in flight: those deliveries may fail or never be heard of. */
    @Override
    void close();

    /** Hears what became of one message. Calls come at most once, on any thread. */
    interface Delivery {

        /**
         * The broker has taken responsibility for the message.
         *
         * @param destination where it is, such as {@code orders-3} for partition 3 of a Kafka topic
         * @param offset its place there, or -1 where the broker has no such thing
         */
        void accepted(String destination, long offset);

        /** The broker has not taken the message. */
        void failed(Failure failure);
    }
}
