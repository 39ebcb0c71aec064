/**
 * The inventory service: keeps stock, and reserves it for the orders that it hears of.
 *
 * <p>Read {@code OrderEventsHandler} first.
 *
 * <p>Invariant: an event's change of stock commits together with the event's id in the inbox, so stock moves once for an
 * event, however often it is delivered.
 */
@NullMarked
package dev.outbox.sample.inventory;

import org.jspecify.annotations.NullMarked;
