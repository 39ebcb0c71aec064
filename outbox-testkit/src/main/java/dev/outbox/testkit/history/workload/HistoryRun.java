package dev.outbox.testkit.history.workload;

import dev.outbox.testkit.history.History;
import dev.outbox.testkit.history.HistoryChecker;
import dev.outbox.testkit.history.HistoryReport;
import dev.outbox.testkit.history.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The whole proof: writers write, somebody reads, things are broken again and again, and in the end everything that was
 * committed has been delivered, in order, and nothing else.
 *
 * <pre>{@code
 * History history = new History(Clock.systemUTC());
 * Workload workload = Workload.prepare(database.dataSource(), Appender.insert("outbox"), history, settings);
 * try (RelayProcesses relays = RelayProcesses.start(2, n -> startRelay(n));
 *         KafkaHistoryReader reader = KafkaHistoryReader.start(kafka.bootstrapServers(), "orders", history)) {
 *     HistoryRun.of(history, workload)
 *             .withFault(new Fault("relay killed", Duration.ofMillis(200), 20, () -> {
 *                 history.awaitProgress(1_000, Duration.ofSeconds(20)); // amid its work, not at its start
 *                 relays.killWorking("Lane publishes", Duration.ofSeconds(20));
 *             }))
 *             .withFault(Fault.alternating("PostgreSQL killed", Duration.ofSeconds(10), 4,
 *                     () -> {
 *                         workload.amidRollbacks(100, Duration.ofSeconds(5), server::kill);
 *                         server.restart();
 *                     },
 *                     () -> {
 *                         server.kill(); // amid commits
 *                         server.restart();
 *                     }))
 *             .run(20_000, Duration.ofSeconds(120), Duration.ofSeconds(60))
 *             .assertProved();
 * }
 * }</pre>
 *
 * <p>A run belongs to one thread, is used once, and leaves servers and relays running.
 */
public final class HistoryRun {

    private static final Logger LOG = LoggerFactory.getLogger(HistoryRun.class);

    /** How long nothing may come after the last awaited message before the history is judged: phantoms come late. */
    private static final Duration QUIET = Duration.ofSeconds(1);

    private static final Duration QUIET_TIMEOUT = Duration.ofMinutes(1);

    private final History history;
    private final Workload workload;
    private final List<Fault> faults;

    private HistoryRun(History history, Workload workload, List<Fault> faults) {
        this.history = history;
        this.workload = workload;
        this.faults = List.copyOf(faults);
    }

    /** A run without faults of a workload that was prepared, not started, with the same history. */
    public static HistoryRun of(History history, Workload workload) {
        return new HistoryRun(history, workload, List.of());
    }

    /** With one more fault. Different faults strike independently of each other, each by a thread of its own. */
    public HistoryRun withFault(Fault fault) {
        List<Fault> more = new ArrayList<>(faults);
        more.add(fault);
        return new HistoryRun(history, workload, more);
    }

    /**
     * What came of a run.
     *
     * @param report the judgement
     * @param counts of the workload
     * @param faults how often each struck, by name
     * @param shortfalls what did not come about in time: commits, faults, the drain; empty for a full proof
     * @param writing how long the writers ran
     * @param draining how long after them the last message took
     */
    public record Result(
            HistoryReport report,
            WorkloadCounts counts,
            Map<String, Integer> faults,
            List<String> shortfalls,
            Duration writing,
            Duration draining) {

        public Result {
            faults = Map.copyOf(faults);
            shortfalls = List.copyOf(shortfalls);
        }

        /**
         * Returns this result when the run did all it should and the history is clean.
         *
         * @throws AssertionError otherwise, with everything known
         */
        public Result assertProved() {
            if (!shortfalls.isEmpty() || !report.isClean()) {
                throw new AssertionError("Not proved: " + this + "\n" + report.describe());
            }
            return this;
        }

        /** Commits in a second, while the writers ran. */
        public long commitsPerSecond() {
            return Math.round(counts.commits() * 1_000.0 / Math.max(1, writing.toMillis()));
        }
    }

    /**
     * Starts the writers and the faults; when there are enough commits and each fault has struck often enough, ends the
     * faults, then the writers, settles the unknown outcomes, waits for the readers and judges.
     *
     * @param commitsMin how many transactions must have been committed
     * @param timeLimit for that and for the faults
     * @param drainTimeout for the readers, after the writers have ended
     * @throws IllegalStateException when the workload or a fault failed in itself
     */
    public Result run(long commitsMin, Duration timeLimit, Duration drainTimeout) {
        long start = System.nanoTime();
        List<String> shortfalls = new ArrayList<>();
        workload.start();
        FaultThreads threads = FaultThreads.start(faults, workload::close);
        try (workload;
                threads) {
            if (!workload.awaitCommits(commitsMin, timeLimit)) {
                shortfalls.add("commits: " + workload.counts().commits() + " of " + commitsMin);
            }
            shortfalls.addAll(threads.awaitTimes(timeLimit.minusNanos(System.nanoTime() - start)));
        }
        Map<String, Integer> struck = threads.times();
        workload.finish();
        Duration writing = Duration.ofNanos(System.nanoTime() - start);
        Map<Outcome, Integer> settled = history.resolve(workload.resolver());
        LOG.info("Writers ended: counts={}, settled={}, faults={}", workload.counts(), settled, struck);
        long draining = System.nanoTime();
        if (!history.awaitDrained(drainTimeout)) {
            shortfalls.add("not drained in " + drainTimeout);
        }
        Duration drained = Duration.ofNanos(System.nanoTime() - draining);
        if (!history.awaitQuiet(QUIET, QUIET_TIMEOUT)) {
            shortfalls.add("not quiet for " + QUIET + " in " + QUIET_TIMEOUT);
        }
        HistoryReport report = HistoryChecker.check(history);
        Result result = new Result(report, workload.counts(), struck, shortfalls, writing, drained);
        LOG.info("History judged: commitsPerSecond={}, {}", result.commitsPerSecond(), result);
        return result;
    }
}
