package dev.outbox.testkit.history.workload;

import dev.outbox.testkit.history.HistoryRecorder;
import dev.outbox.testkit.history.UnknownResolver;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;

/**
 * Concurrent writers that change domain rows and append messages in every shape that has broken an outbox, and record
 * what they did.
 *
 * <p>Each transaction takes its keys from a domain table whose row lock (or version check) serialises the writers of a
 * key; the row's version is the message's position. The server may be killed and restarted at any time: a commit whose
 * answer did not come is recorded as unknown, the writers reconnect with a backoff, and {@link #resolver} asks the
 * domain table afterwards.
 *
 * <pre>{@code
 * try (Workload workload = Workload.prepare(dataSource, Appender.insert("outbox"), history, WorkloadSettings.defaults())) {
 *     workload.start();
 *     workload.awaitCommits(20_000, Duration.ofMinutes(2));
 *     workload.finish();
 *     history.resolve(workload.resolver());
 * }
 * }</pre>
 *
 * <p>Each writer costs a connection that it keeps. The data source must open connections with a socket timeout if the
 * network, not only the server, is going to fail.
 */
public final class Workload implements AutoCloseable {

    private final Transaction.Context context;
    private final DataSource source;
    private final List<Thread> writers = new ArrayList<>();

    private Workload(Transaction.Context context, DataSource source) {
        this.context = context;
        this.source = source;
    }

    /**
     * Makes the domain tables in {@link WorkloadSettings#schema}, where they are missing. A second workload on the same
     * tables goes on where the first one ended; its history must hold both.
     *
     * @throws IllegalStateException when the tables cannot be made
     */
    public static Workload prepare(
            DataSource source, Appender appender, HistoryRecorder recorder, WorkloadSettings settings) {
        Accounts accounts = new Accounts(source, settings.schema());
        accounts.create(settings.keys());
        WorkloadState state = new WorkloadState(settings.commitsPerSecondMax());
        return new Workload(
                new Transaction.Context(accounts, appender, recorder, settings, state, Clock.systemUTC()), source);
    }

    /** Starts the writers. Once. */
    public synchronized void start() {
        if (!writers.isEmpty()) {
            throw new IllegalStateException("A workload starts once: writers=" + writers.size());
        }
        for (int i = 0; i < context.settings().writers(); i++) {
            Thread writer = new Thread(new Writer(context, source, i), "workload-writer-" + i);
            writer.setDaemon(true);
            writers.add(writer);
            writer.start();
        }
    }

    /** How far it is, at any time. */
    public WorkloadCounts counts() {
        return context.state().counts();
    }

    /**
     * Waits until this many transactions were committed. False when the time was over or the workload ended before.
     *
     * @throws IllegalStateException when a writer met an error that no crash explains
     */
    public boolean awaitCommits(long number, Duration timeout) {
        boolean reached = context.state().awaitCommits(number, timeout);
        throwFailure();
        return reached;
    }

    /**
     * Lets every transaction roll back, as fast as it goes, until {@code rollbacks} of them followed each other without
     * a commit between, and runs {@code crash} then; afterwards transactions commit again.
     *
     * <p>PostgreSQL does not flush the record of an abort. When it crashes at such a moment it forgets those xids and
     * gives them out again, so that a relay which remembers them takes new messages for old ones. A server with
     * {@code wal_writer_delay=10s} does so every time: else the WAL writer may come first.
     *
     * @return false when so many rollbacks did not come in time; {@code crash} has run all the same
     */
    public boolean amidRollbacks(int rollbacks, Duration timeout, Runnable crash) {
        WorkloadState state = context.state();
        state.setRollbacksOnly(true);
        try {
            boolean amid = state.awaitRollbacksInARow(rollbacks, timeout);
            crash.run();
            return amid;
        } finally {
            state.setRollbacksOnly(false);
        }
    }

    /**
     * Lets the writers end their transactions, long ones at once, and waits for them. The server must be up, or come up
     * soon.
     *
     * @throws IllegalStateException when a writer met an error that no crash explains, or does not end
     */
    public synchronized void finish() {
        context.state().end();
        long deadline = System.nanoTime() + Writer.END_MAX.toNanos();
        for (Thread writer : writers) {
            try {
                TimeUnit.NANOSECONDS.timedJoin(writer, Math.max(1, deadline - System.nanoTime()));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            if (writer.isAlive()) {
                throw new IllegalStateException("Writer did not end: thread=" + writer.getName() + ", waited="
                        + Writer.END_MAX + ", at " + List.of(writer.getStackTrace()));
            }
        }
        throwFailure();
    }

    /** Asks the domain table which messages of unknown outcome were committed; for when the writers have ended. */
    public UnknownResolver resolver() {
        return context.accounts();
    }

    /** Ends the writers without an error. */
    @Override
    public void close() {
        context.state().end();
    }

    private void throwFailure() {
        context.state().failure().ifPresent(cause -> {
            throw new IllegalStateException("The workload failed: counts=" + counts(), cause);
        });
    }
}
