/**
 * Receives events from Kafka through kafka-clients.
 *
 * <p>Read {@link dev.outbox.consumer.kafka.KafkaReceiver} first.
 *
 * <p>Invariant: a position is committed only when everything before it was handled, was a duplicate, has no handler and is not
 * refused for that, or was passed by because the settings say so.
 */
@NullMarked
package dev.outbox.consumer.kafka;

import org.jspecify.annotations.NullMarked;
