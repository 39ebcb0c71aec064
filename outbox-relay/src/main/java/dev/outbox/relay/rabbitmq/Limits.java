package dev.outbox.relay.rabbitmq;

import java.util.concurrent.atomic.AtomicLong;

/** What is learnt about a RabbitMQ, for all its sessions: AMQP does not tell how large a message may be. Thread-safe. */
final class Limits {

    private final AtomicLong messageBytesMax = new AtomicLong(Long.MAX_VALUE);

    /** The largest body that RabbitMQ takes, as far as it is known. */
    long messageBytesMax() {
        return messageBytesMax.get();
    }

    void learn(long messageBytesMax) {
        this.messageBytesMax.set(messageBytesMax);
    }
}
