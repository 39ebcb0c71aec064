/**
 * Publishes to RabbitMQ through amqp-client.
 *
 * <p>Start with {@link dev.outbox.relay.rabbitmq.RabbitBroker}; what is sent where is said by {@link
 * dev.outbox.relay.rabbitmq.RabbitRoutes}. The invariant: every message that was given to a session is answered for once,
 * by the broker's confirm or return or by the end of the session, and nothing is sent twice by this package itself: the
 * client's own recovery is off.
 */
@NullMarked
package dev.outbox.relay.rabbitmq;

import org.jspecify.annotations.NullMarked;
