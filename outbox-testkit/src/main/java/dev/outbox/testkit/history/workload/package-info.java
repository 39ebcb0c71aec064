/**
 * The load that tells a correct outbox from one that merely looks so, and the run that adds the crashes.
 *
 * <p>Read {@link dev.outbox.testkit.history.workload.HistoryRun} first; {@link
 * dev.outbox.testkit.history.workload.Workload} is the writers alone, {@link
 * dev.outbox.testkit.history.workload.Shape} what their transactions do.
 *
 * <p>Invariant: an append is recorded before its transaction's commit is sent, and its outcome only when it is known.
 */
@NullMarked
package dev.outbox.testkit.history.workload;

import org.jspecify.annotations.NullMarked;
