/**
 * The seam between the relay's engine and a message broker.
 *
 * <p>Start with {@link dev.outbox.relay.broker.Broker}. The invariant: a session hears about each message that it was
 * given exactly once, accepted or failed, or is closed first.
 */
@NullMarked
package dev.outbox.relay.broker;

import org.jspecify.annotations.NullMarked;
