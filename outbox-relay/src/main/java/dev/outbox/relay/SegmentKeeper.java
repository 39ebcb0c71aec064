package dev.outbox.relay;

import dev.outbox.relay.RelaySettings.SegmentSettings;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * The thread that turns the ring of segments: closes the one in use when it is old or large, and empties closed ones whose
 * messages are all published and past retention. It also removes what is past its time from the relay's own tables. One relay at a
 * time does it, by an advisory lock.
 */
final class SegmentKeeper implements Runnable {

    private static final Duration PURGE_INTERVAL = Duration.ofMinutes(1);

    /** Everybody waits behind a lock that is asked for. */
    private static final Duration LOCKED_PAUSE = Duration.ofSeconds(5);

    /** Finding a channel that nobody serves reads the whole segment. */
    private static final Duration NO_LANES_PAUSE = Duration.ofMinutes(1);

    private final Database database;
    private final RelaySettings settings;
    private final RelayListener listener;
    private final Consumer<Throwable> fatal;
    private final Thread thread = new Thread(this, "outbox-segments");
    private final CountDownLatch ended = new CountDownLatch(1);
    private final Map<Integer, String> reported = new HashMap<>();
    private final Map<Integer, Long> notBeforeNanos = new HashMap<>();
    private long purgedAtNanos = System.nanoTime();
    private volatile boolean stopping;

    SegmentKeeper(Database database, RelaySettings settings, RelayListener listener, Consumer<Throwable> fatal) {
        this.database = database;
        this.settings = settings;
        this.listener = listener;
        this.fatal = fatal;
    }

    void start() {
        thread.setDaemon(true);
        thread.start();
    }

    void stop() {
        stopping = true;
        LockSupport.unpark(thread);
    }

    boolean awaitEnd(Duration longest) throws InterruptedException {
        return ended.await(longest.toNanos(), TimeUnit.NANOSECONDS);
    }

    @Override
    public void run() {
        Backoff backoff = new Backoff(Duration.ofMillis(100), Duration.ofSeconds(10));
        try {
            while (!stopping) {
                try (Connection connection = database.open("segments", settings.lease())) {
                    turn(new Segments(connection), new Purge(connection), backoff);
                } catch (SQLException e) {
                    Duration wait = backoff.next();
                    listener.databaseUnavailable("segments", e, wait);
                    pause(wait);
                }
            }
        } catch (RuntimeException | Error e) {
            fatal.accept(e);
        } finally {
            ended.countDown();
        }
    }

    private void turn(Segments segments, Purge purge, Backoff backoff) throws SQLException {
        while (!stopping) {
            if (segments.lock()) {
                segments.repairLog();
                truncateWhatIsDue(segments);
                rotateIfDue(segments);
                purgeIfDue(purge);
            }
            backoff.reset();
            pause(settings.segments().checkInterval());
        }
    }

    private void truncateWhatIsDue(Segments segments) throws SQLException {
        for (int segment : segments.closedLongerThan(settings.segments().retention())) {
            if (!mayTry(segment)) {
                continue;
            }
            switch (segments.truncate(segment)) {
                case DONE -> {
                    reported.remove(segment);
                    listener.segmentTruncated(segment);
                }
                case UNPUBLISHED -> blocked(segment, "it holds messages that are not published yet");
                case NO_LANES -> {
                    blocked(segment, "it holds messages of a channel that no relay serves");
                    notBefore(segment, NO_LANES_PAUSE);
                }
                case IN_USE -> blocked(segment, "a transaction that appended to it is still open");
                case LOCKED -> {
                    blocked(segment, "it is locked, by a long query or a dump for instance");
                    notBefore(segment, LOCKED_PAUSE);
                }
            }
        }
    }

    private void rotateIfDue(Segments segments) throws SQLException {
        SegmentSettings rule = settings.segments();
        Segments.Current current = segments.current();
        if (current.empty() || (current.age().compareTo(rule.rotateAfter()) < 0 && current.bytes() < rule.bytesMax())) {
            return;
        }
        int next = (current.segment() + 1) % Segments.COUNT;
        if (!segments.isEmpty(next)) {
            blocked(current.segment(), "it is due to be closed, but the next one, " + next + ", is not empty yet");
            return;
        }
        reported.remove(current.segment());
        listener.segmentRotated(segments.rotate(), next);
    }

    private void purgeIfDue(Purge purge) throws SQLException {
        if (System.nanoTime() - purgedAtNanos >= PURGE_INTERVAL.toNanos()) {
            purgedAtNanos = System.nanoTime();
            purge.run(settings.segments().retention(), () -> stopping);
        }
    }

    /** Some attempts cost others something, so they are made seldom. */
    private void notBefore(int segment, Duration pause) {
        notBeforeNanos.put(segment, System.nanoTime() + pause.toNanos());
    }

    private boolean mayTry(int segment) {
        Long notBefore = notBeforeNanos.get(segment);
        return notBefore == null || System.nanoTime() - notBefore >= 0;
    }

    /** Says each reason once, until it changes. */
    private void blocked(int segment, String why) {
        if (!why.equals(reported.put(segment, why))) {
            listener.segmentBlocked(segment, why);
        }
    }

    private void pause(Duration wait) {
        if (!stopping) {
            LockSupport.parkNanos(this, wait.toNanos());
        }
    }
}
