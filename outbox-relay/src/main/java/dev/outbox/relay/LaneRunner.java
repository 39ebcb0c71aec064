package dev.outbox.relay;

import dev.outbox.relay.broker.Broker;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * A thread that publishes one lane for as long as its lease lasts. Each time the database fails it connects again and
 * starts a new {@link LaneLoop} behind the newest checkpoint.
 */
final class LaneRunner implements Runnable {

    /** What all lanes of a relay share; the id is its own among all that ever ran. */
    record Surroundings(
            String relayId,
            Database database,
            RelaySettings settings,
            RelayListener listener,
            Consumer<Throwable> fatal) {}

    private final Lease lease;
    private final ChannelSettings channel;
    private final Broker broker;
    private final Surroundings around;
    private final Thread thread;
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean stopping;

    LaneRunner(Lease lease, ChannelSettings channel, Broker broker, Surroundings around) {
        this.lease = lease;
        this.channel = channel;
        this.broker = broker;
        this.around = around;
        this.thread = new Thread(this, "outbox-lane-" + lease.lane());
    }

    Lease lease() {
        return lease;
    }

    void start() {
        thread.start();
    }

    /** Asks the lane to write down what is acknowledged and end; returns at once. */
    void stop() {
        stopping = true;
        LockSupport.unpark(thread);
    }

    boolean hasEnded() {
        return ended.getCount() == 0;
    }

    boolean awaitEnd(Duration longest) throws InterruptedException {
        return ended.await(longest.toNanos(), TimeUnit.NANOSECONDS);
    }

    @Override
    public void run() {
        RelayListener listener = around.listener();
        String why = "the relay stops";
        try {
            listener.laneTaken(lease.lane(), lease.epoch());
            work();
            if (!stopping) {
                why = "the lease ended before it could be renewed";
            }
        } catch (FencedException e) {
            why = String.valueOf(e.getMessage());
        } catch (RuntimeException | Error e) {
            why = "it failed: " + e;
            around.fatal().accept(e);
        } finally {
            lease.end();
            try {
                listener.laneLeft(lease.lane(), why);
            } finally {
                // Last: the program exits once its lanes have ended, and must have said why they did.
                ended.countDown();
            }
        }
    }

    private void work() {
        Backoff backoff = new Backoff(Duration.ofMillis(50), Duration.ofSeconds(2));
        int pageRowsCeiling = channel.pageRowsMax();
        while (!stopping && lease.valid()) {
            LaneLoop loop = null;
            try (Connection connection = around.database()
                            .openForLane(lease.lane(), around.settings().lease());
                    BrokerLink link = new BrokerLink(broker, lease.lane(), around.listener())) {
                loop = LaneLoop.open(
                        new LaneLoop.Parts(lease, around.settings(), channel, connection, link, around.listener()),
                        pageRowsCeiling,
                        () -> stopping);
                loop.run();
            } catch (SQLException e) {
                // A page may have been too large for the driver, so the next ones are smaller.
                pageRowsCeiling = loop == null ? pageRowsCeiling : Math.max(1, loop.pageRows() / 8);
                if (loop != null && loop.progressed()) {
                    backoff.reset();
                }
                Duration wait = backoff.next();
                around.listener().databaseUnavailable(lease.lane().toString(), e, wait);
                if (!stopping) {
                    LockSupport.parkNanos(this, wait.toNanos());
                }
            }
        }
    }
}
