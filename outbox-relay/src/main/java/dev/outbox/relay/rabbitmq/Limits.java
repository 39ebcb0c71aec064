package dev.outbox.relay.rabbitmq;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** What is learnt about a RabbitMQ, for all its sessions: AMQP does not tell how large a message may be. Thread-safe. */
final class Limits {

    /** Longer than a lane waits between two tries. */
    private static final Duration SUSPECTED = Duration.ofSeconds(30);

    private static final int SUSPECTS_MAX = 1000;

    private final AtomicLong messageBytesMax = new AtomicLong(Long.MAX_VALUE);
    private final Map<String, Long> suspectUntilNanos = new ConcurrentHashMap<>();

    /** The largest body that RabbitMQ takes, as far as it is known. */
    long messageBytesMax() {
        return messageBytesMax.get();
    }

    void learn(long messageBytesMax) {
        this.messageBytesMax.set(messageBytesMax);
    }

    /**
     * RabbitMQ closed a channel for a message to this exchange, with everything in flight there. For a while such messages are
     * sent alone, so that they take no other with them, again and again.
     */
    void suspect(String exchange) {
        if (suspectUntilNanos.size() >= SUSPECTS_MAX) {
            suspectUntilNanos.clear();
        }
        suspectUntilNanos.put(exchange, System.nanoTime() + SUSPECTED.toNanos());
    }

    boolean isSuspect(String exchange) {
        if (suspectUntilNanos.isEmpty()) {
            return false;
        }
        Long until = suspectUntilNanos.get(exchange);
        if (until != null && System.nanoTime() - until >= 0) {
            suspectUntilNanos.remove(exchange, until);
            return false;
        }
        return until != null;
    }
}
