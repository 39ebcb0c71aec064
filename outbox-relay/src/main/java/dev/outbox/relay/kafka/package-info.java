/**
 * Publishes to Kafka through kafka-clients.
 *
 * <p>Start with {@link dev.outbox.relay.kafka.KafkaBroker}. The invariant: a producer never gives up a record by itself,
 * so no later record of a key overtakes an earlier one; the lane decides when it is an outage.
 */
@NullMarked
package dev.outbox.relay.kafka;

import org.jspecify.annotations.NullMarked;
