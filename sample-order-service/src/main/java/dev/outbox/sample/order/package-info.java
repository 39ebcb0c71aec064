/**
 * The order service: orders over HTTP, and an event for everything that happens to one.
 *
 * <p>Read {@code OrderService} first.
 *
 * <p>Invariant: an order changes under its row lock, and the events of a change are appended in the transaction of that
 * change, so an order's events are in the order of its changes, and there is one for each.
 */
@NullMarked
package dev.outbox.sample.order;

import org.jspecify.annotations.NullMarked;
