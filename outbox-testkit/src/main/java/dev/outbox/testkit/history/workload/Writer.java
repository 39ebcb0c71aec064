package dev.outbox.testkit.history.workload;

import dev.outbox.testkit.history.workload.WorkloadState.Count;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeSet;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One thread of a workload: transaction after transaction on one connection, a new one when it dies. */
final class Writer implements Runnable {

    private static final Logger LOG = LoggerFactory.getLogger(Writer.class);

    /** The time within which a writer ends once it is asked to: its statement's timeout and a little more. */
    static final Duration END_MAX = Duration.ofSeconds(35);

    private static final int ATTEMPTS_MAX = 4;
    private static final int HOT_ONE_IN = 5;
    private static final int LONG_HOT_ONE_IN = 10;
    private static final Duration BACKOFF_MIN = Duration.ofMillis(20);
    private static final Duration BACKOFF_MAX = Duration.ofMillis(250);
    private static final Duration UNREACHABLE_MAX = Duration.ofMinutes(3);

    /** A writer that waits for a key somebody holds for long gives up: the key stays ordered, the others get on. */
    private static final String SESSION = """
            set lock_timeout = '300ms';
            set statement_timeout = '30s';
            set application_name = 'outbox-workload'
            """;

    private final Transaction.Context context;
    private final DataSource source;
    private final WorkloadState state;
    private final int number;
    private final SplittableRandom random;
    private final List<Shape> shapes = new ArrayList<>();
    private @Nullable Connection connection;

    Writer(Transaction.Context context, DataSource source, int number) {
        this.context = context;
        this.source = source;
        this.state = context.state();
        this.number = number;
        this.random = new SplittableRandom(context.settings().seed() * 1_000 + number);
        for (Map.Entry<Shape, Integer> weight : context.settings().weights().entrySet()) {
            for (int i = 0; i < weight.getValue(); i++) {
                shapes.add(weight.getKey());
            }
        }
    }

    @Override
    public void run() {
        try {
            while (state.goesOn()) {
                state.pace();
                Shape shape = shapes.get(random.nextInt(shapes.size()));
                List<String> keys = keys(shape);
                for (int attempt = 1; attempt <= ATTEMPTS_MAX && state.goesOn() && !done(shape, keys); attempt++) {
                    LOG.trace("Transaction is tried again: shape={}, keys={}, attempt={}", shape, keys, attempt);
                }
            }
        } catch (SQLException | RuntimeException | Error e) {
            LOG.error("Writer failed: writer={}; the workload ends", number, e);
            state.fail(e);
        } finally {
            disconnect();
        }
    }

    /** Runs one transaction; false when it is worth trying again. */
    private boolean done(Shape shape, List<String> keys) throws SQLException {
        Connection open = connected();
        if (open == null) {
            return true;
        }
        Transaction transaction = new Transaction(context, open, number, random, keys);
        Shape.Ending ending;
        try {
            ending = shape.run(transaction);
        } catch (SQLException e) {
            transaction.abandon();
            failed(e, Count.STATEMENT_FAILURE);
            return false;
        }
        boolean commits = ending == Shape.Ending.COMMIT && !state.rollbacksOnly();
        try {
            if (commits) {
                transaction.commit();
                state.count(Count.COMMIT);
                if (shape == Shape.LONG) {
                    state.count(Count.LONG);
                }
            } else {
                transaction.rollback();
                state.count(Count.ROLLBACK);
            }
        } catch (SQLException e) {
            failed(e, commits ? Count.UNKNOWN : Count.STATEMENT_FAILURE);
        }
        return ending != Shape.Ending.RETRY;
    }

    private void failed(SQLException e, Count count) throws SQLException {
        state.count(count);
        if (!expected(e)) {
            throw e;
        }
        Connection open = connection;
        try {
            if (open != null) {
                open.rollback();
                return;
            }
        } catch (SQLException dead) {
            LOG.debug("Connection died: writer={}, cause={}; reconnecting", number, e.getMessage());
        }
        disconnect();
    }

    /** Dead connections, servers that stop or start, locks not granted in time, deadlocks, serialization failures. */
    private static boolean expected(SQLException e) {
        String state = e.getSQLState() == null ? "" : e.getSQLState();
        return state.startsWith("08")
                || state.startsWith("57P")
                || state.startsWith("40")
                || state.startsWith("53")
                || state.equals("55P03")
                || state.equals("57014");
    }

    /** The connection, made again when it died; null when the workload ends before there is one. */
    private @Nullable Connection connected() throws SQLException {
        long deadline = System.nanoTime() + UNREACHABLE_MAX.toNanos();
        Duration backoff = BACKOFF_MIN;
        while (connection == null && state.goesOn()) {
            try {
                connection = opened();
                state.count(Count.CONNECTION);
            } catch (SQLException e) {
                if (!expected(e) || System.nanoTime() - deadline > 0) {
                    throw e;
                }
                state.hold(backoff);
                backoff = Duration.ofNanos(Math.min(backoff.toNanos() * 2, BACKOFF_MAX.toNanos()));
            }
        }
        return connection;
    }

    private Connection opened() throws SQLException {
        Connection opened = source.getConnection();
        try (Statement statement = opened.createStatement()) {
            statement.execute(SESSION);
            opened.setAutoCommit(false);
            return opened;
        } catch (SQLException e) {
            opened.close();
            throw e;
        }
    }

    private void disconnect() {
        Connection open = connection;
        connection = null;
        try {
            if (open != null) {
                open.close();
            }
        } catch (SQLException e) {
            LOG.debug("Connection not closed in order: writer={}, cause={}", number, e.getMessage());
        }
    }

    /** As many different keys as the shape writes, sorted, so that no two transactions wait for each other. */
    private List<String> keys(Shape shape) {
        WorkloadSettings settings = context.settings();
        TreeSet<String> keys = new TreeSet<>();
        while (keys.size() < Math.min(shape.keys(), settings.keys())) {
            // A long transaction on a hot key is rare: it stops the writers that wait for it.
            boolean hot = random.nextInt(shape == Shape.LONG ? LONG_HOT_ONE_IN : HOT_ONE_IN) == 0;
            keys.add(Accounts.key(hot ? random.nextInt(settings.hotKeys()) : random.nextInt(settings.keys())));
        }
        return List.copyOf(keys);
    }
}
