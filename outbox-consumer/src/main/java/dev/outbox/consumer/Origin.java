package dev.outbox.consumer;

import org.jspecify.annotations.Nullable;

/**
 * Where an event was received from: enough for an operator to find it at the broker. Its text names the place in one
 * word.
 */
public sealed interface Origin {

    /** What the event was published to: Kafka's topic, RabbitMQ's exchange. */
    String topic();

    /**
     * A record of Kafka.
     *
     * @param topic the topic
     * @param partition the partition of the topic, from 0
     * @param offset the place in the partition, from 0
     */
    record Kafka(String topic, int partition, long offset) implements Origin {

        /** As Kafka's own tools name it: {@code orders-2@41}. */
        @Override
        public String toString() {
            return topic + "-" + partition + "@" + offset;
        }
    }

    /**
     * A message of RabbitMQ, where a place has no number: the message's own id is all there is to find it by.
     *
     * @param queue the queue that it came from
     * @param exchange the exchange that it was published to
     * @param routingKey the routing key that it was published with
     * @param messageId the message id that its publisher gave it
     */
    record RabbitMq(
            String queue,
            String exchange,
            String routingKey,
            @Nullable String messageId) implements Origin {

        @Override
        public String topic() {
            return exchange;
        }

        /** As in {@code orders:order.created>inventory#01a20bb6-e434-7000-8302-b0a3c6311cd6}. */
        @Override
        public String toString() {
            String place = exchange + ":" + routingKey + ">" + queue;
            return messageId == null ? place : place + "#" + messageId;
        }
    }

    /**
     * A sample event, stored in a file.
     *
     * @param name the name of the file
     */
    record File(String name) implements Origin {

        /** The file's name: it was published to nothing. */
        @Override
        public String topic() {
            return name;
        }

        @Override
        public String toString() {
            return name;
        }
    }
}
