/**
 * Receives events from RabbitMQ through its Java client.
 *
 * <p>Read {@link dev.outbox.consumer.rabbitmq.RabbitReceiver} first.
 *
 * <p>Invariant: a message is acknowledged only when it was handled, was a duplicate, has no handler and is not refused
 * for that, or was passed by because the settings say so.
 */
@NullMarked
package dev.outbox.consumer.rabbitmq;

import org.jspecify.annotations.NullMarked;
