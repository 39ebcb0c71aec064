package dev.outbox.testkit.history.workload;

/**
 * How far a workload is. All but the last two count transactions.
 *
 * @param commits confirmed
 * @param rollbacks on purpose, or after a version check or a statement failed
 * @param unknown whose connection died in the commit
 * @param longTransactions of the commits, those that stayed open for seconds
 * @param statementFailures lock timeouts, deadlocks and dead connections before the commit, rolled back
 * @param connections opened, so the writers' number and one for each that died
 */
public record WorkloadCounts(
        long commits, long rollbacks, long unknown, long longTransactions, long statementFailures, long connections) {}
