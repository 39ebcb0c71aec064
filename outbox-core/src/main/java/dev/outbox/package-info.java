/**
 * Appends messages to the outbox in the caller's own transaction.
 *
 * <p>Read {@link dev.outbox.Outbox} first, then {@link dev.outbox.OutboxMessage}.
 *
 * <p>Invariant: a message is checked in full before any SQL is sent, so a refused message never breaks the
 * transaction it was meant for, and nothing here ever begins, commits or rolls back a transaction.
 */
@NullMarked
package dev.outbox;

import org.jspecify.annotations.NullMarked;
