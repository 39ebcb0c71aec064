/**
 * Proof that an outbox loses nothing, invents nothing and keeps the order: a history of what writers appended and what
 * readers saw, and its judge.
 *
 * <p>Read {@link dev.outbox.testkit.history.History} first. Writers and readers record into it (or into a
 * {@link dev.outbox.testkit.history.HistoryFile}, from several JVMs); {@link dev.outbox.testkit.history.HistoryChecker}
 * judges it.
 *
 * <p>Invariant: the verdict does not depend on the order in which writers' and readers' records arrive, only on the
 * order of each key's deliveries.
 */
@NullMarked
package dev.outbox.testkit.history;

import org.jspecify.annotations.NullMarked;
