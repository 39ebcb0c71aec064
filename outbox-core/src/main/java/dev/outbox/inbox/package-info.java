/**
 * Receives each message once: its id is recorded in the transaction of its effect.
 *
 * <p>Read {@link dev.outbox.inbox.Inbox} first.
 *
 * <p>Invariant: the row of a message id and the effect of that message commit together or not at all.
 */
@NullMarked
package dev.outbox.inbox;

import org.jspecify.annotations.NullMarked;
