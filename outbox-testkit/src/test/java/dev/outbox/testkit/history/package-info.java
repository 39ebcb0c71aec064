/**
 * Tests of the history checker, from injected faults up to a real relay of the wrong kind.
 *
 * <p>Read {@code HistoryCheckerTest} first.
 *
 * <p>Invariant: every kind of violation has a test that fails when the checker stops seeing it.
 */
@NullMarked
package dev.outbox.testkit.history;

import org.jspecify.annotations.NullMarked;
