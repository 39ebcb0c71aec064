package dev.outbox.relay;

import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.BrokerSession;
import dev.outbox.relay.broker.BrokerUnavailableException;
import dev.outbox.relay.broker.Failure;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A lane's connection to its broker: opened when needed, dropped at an outage, tried again after a while. */
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

    BrokerLink(Broker broker, LaneKey lane, RelayListener listener) {
        this.broker = broker;
        this.lane = lane;
        this.listener = listener;
    }

    /** The open session, or null while the broker is being left alone. */
    @Nullable
    BrokerSession session() {
        if (session == null && System.nanoTime() - retryAtNanos >= 0) {
            try {
                session = broker.open();
            } catch (BrokerUnavailableException e) {
                lost(Failure.of(Failure.Kind.OUTAGE, e.getCause() == null ? e : e.getCause()));
            }
        }
        return session;
    }

    /** Whether there is a session, or one may be opened now. */
    boolean usable() {
        return session != null || System.nanoTime() - retryAtNanos >= 0;
    }

    /** Drops the session; the next one is opened after a while. */
    void lost(Failure failure) {
        close();
        if (!out) {
            out = true;
            outageSinceNanos = System.nanoTime();
        }
        Duration wait = backoff.next();
        retryAtNanos = System.nanoTime() + wait.toNanos();
        listener.outage(lane, failure, wait);
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
