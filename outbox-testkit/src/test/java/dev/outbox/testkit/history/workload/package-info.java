/**
 * Tests of the run that breaks things while writers write.
 *
 * <p>Read {@code RelayProcessesIT} first; the workload itself is tested by {@code HistoryCheckerIT}, with servers.
 *
 * <p>Invariant: no test here needs a relay.
 */
@NullMarked
package dev.outbox.testkit.history.workload;

import org.jspecify.annotations.NullMarked;
