package dev.outbox.relay;

import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.BrokerSession;
import dev.outbox.relay.broker.BrokerUnavailableException;
import dev.outbox.relay.broker.Failure;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A lane's connection to its broker: opened when needed, dropped at an outage, tried again after a while. An outage of many
 * short tries is told now and then, not each time.
 */
final class BrokerLink implements AutoCloseable {

    private static final Duration RETRY_FIRST = Duration.ofMillis(100);
    private static final Duration RETRY_LONGEST = Duration.ofSeconds(5);

    private final Broker broker;
    private final LaneKey lane;
    private final RelayListener listener;
    private final Backoff backoff = new Backoff(RETRY_FIRST, RETRY_LONGEST);
    private @Nullable BrokerSession session;
    private long retryAtNanos = System.nanoTime();
    private long outageSinceNanos;
    private boolean out;
    private @Nullable Failure latest;
    private long toldAtNanos;
    private @Nullable String toldClass;

    BrokerLink(Broker broker, LaneKey lane, RelayListener listener) {
        this.broker = broker;
        this.lane = lane;
        this.listener = listener;
    }

    /** The open session, or null while the broker is being left alone. */
    @Nullable
    BrokerSession session() {
        if (!usable()) {
            return null;
        }
        if (session == null) {
            try {
                session = broker.open();
            } catch (BrokerUnavailableException e) {
                lost(Failure.of(Failure.Kind.OUTAGE, e.getCause() == null ? e : e.getCause()));
            }
        }
        return session;
    }

    /** The session that is open, or null; none is opened. */
    @Nullable
    BrokerSession openSession() {
        return session;
    }

    /** Whether there is a session, or one may be opened now. */
    boolean usable() {
        return System.nanoTime() - retryAtNanos >= 0;
    }

    /** Whether there is a session that goes on in spite of what failed. */
    boolean alive() {
        return session != null && session.usable();
    }

    /** Drops the session; the next one is opened after a while. */
    void lost(Failure failure) {
        close();
        waitAWhile(failure);
    }

    /**
     * Leaves the broker alone for a while, with the session open: it answers, but cannot take everything now.
     *
     * @param someTaken whether it has taken something since it was last left alone; then it is tried again soon
     */
    void busy(Failure failure, boolean someTaken) {
        if (someTaken) {
            backoff.reset();
        }
        waitAWhile(failure);
    }

    private void waitAWhile(Failure failure) {
        long now = System.nanoTime();
        if (!out) {
            out = true;
            outageSinceNanos = now;
            toldAtNanos = now - RETRY_LONGEST.toNanos();
        }
        latest = failure;
        Duration wait = backoff.next();
        retryAtNanos = now + wait.toNanos();
        if (now - toldAtNanos >= RETRY_LONGEST.toNanos() / 2
                || !failure.errorClass().equals(toldClass)) {
            toldAtNanos = now;
            toldClass = failure.errorClass();
            listener.outage(lane, failure, wait);
        }
    }

    /** In words, what keeps the broker from taking messages, or null. */
    @Nullable
    String trouble() {
        Failure failure = latest;
        return out && failure != null
                ? "the broker cannot be used: " + failure.errorClass() + ": " + failure.error()
                : null;
    }

    /** The broker has taken a page. */
    void answered() {
        if (out) {
            out = false;
            backoff.reset();
            listener.recovered(lane, Duration.ofNanos(System.nanoTime() - outageSinceNanos));
        }
    }

    @Override
    public void close() {
        if (session != null) {
            session.close();
            session = null;
        }
    }
}
