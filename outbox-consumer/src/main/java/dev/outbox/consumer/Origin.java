package dev.outbox.consumer;

/**
 * Where an event was received from: enough for an operator to find it at the broker.
 *
 * @param topic the topic
 * @param partition the partition of the topic, from 0
 * @param offset the place in the partition, from 0
 */
public record Origin(String topic, int partition, long offset) {

    /** As Kafka's own tools name it: {@code orders-2@41}. */
    @Override
    public String toString() {
        return topic + "-" + partition + "@" + offset;
    }
}
