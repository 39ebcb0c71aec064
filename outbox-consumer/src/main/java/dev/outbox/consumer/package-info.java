/**
 * What a consumer receives, and how it is handed to handlers.
 *
 * <p>Read {@link dev.outbox.consumer.EventHandlers} first, then {@link dev.outbox.consumer.EventReceiver}; for one type's versions,
 * {@code TypeHandlers} and {@code Upcasters}; for the forms that events have on the wire,
 * {@link dev.outbox.consumer.EventReader}; for builds, {@link dev.outbox.consumer.CompatibilityCheck}.
 *
 * <p>Invariant: a handler runs in the transaction that records the event's id in the inbox, so an event has its effect
 * once, however often it is delivered.
 */
@NullMarked
package dev.outbox.consumer;

import org.jspecify.annotations.NullMarked;
