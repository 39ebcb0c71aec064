package dev.outbox.relay;

import dev.outbox.relay.broker.Broker;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The thread that takes lanes, keeps their leases alive and gives them back. It has a connection of its own, so that
 * neither a slow page nor a slow broker costs a lease.
 */
final class LaneKeeper implements Runnable {

    private static final Duration TICK_LONGEST = Duration.ofSeconds(1);

    private final Map<String, ChannelSettings> channels = new LinkedHashMap<>();
    private final Map<String, Broker> brokers;
    private final LaneRunner.Surroundings around;
    private final Duration tick;
    private final Thread thread = new Thread(this, "outbox-leases");
    private final CountDownLatch ended = new CountDownLatch(1);
    private final List<LaneRunner> runners = new CopyOnWriteArrayList<>();
    private boolean lanesCreated;
    private volatile boolean stopping;

    LaneKeeper(List<ChannelSettings> channels, Map<String, Broker> brokers, LaneRunner.Surroundings around) {
        channels.forEach(channel -> this.channels.put(channel.name(), channel));
        this.brokers = Map.copyOf(brokers);
        this.around = around;
        Duration third = around.settings().lease().dividedBy(3);
        this.tick = third.compareTo(TICK_LONGEST) < 0 ? third : TICK_LONGEST;
    }

    void start() {
        thread.start();
    }

    /** Stops all lanes; each writes down how far it came. Their leases live on until they are through. */
    void stop() {
        stopping = true;
        runners.forEach(LaneRunner::stop);
        LockSupport.unpark(thread);
    }

    boolean awaitEnd(Duration longest) throws InterruptedException {
        return ended.await(longest.toNanos(), TimeUnit.NANOSECONDS);
    }

    @Override
    public void run() {
        Backoff backoff = new Backoff(Duration.ofMillis(50), TICK_LONGEST);
        LaneLeases leases = null;
        try {
            while (!stopping || !runners.isEmpty()) {
                Duration wait = tick;
                try {
                    leases = leases == null ? connect() : leases;
                    tick(leases);
                    backoff.reset();
                } catch (SQLException e) {
                    leases = closed(leases);
                    dropEndedWithoutDatabase();
                    wait = backoff.next();
                    around.listener().databaseUnavailable("leases", e, wait);
                }
                if (!stopping || !runners.isEmpty()) {
                    LockSupport.parkNanos(this, stopping ? Duration.ofMillis(20).toNanos() : wait.toNanos());
                }
            }
            leave(leases);
        } catch (RuntimeException | Error e) {
            runners.forEach(LaneRunner::stop);
            around.fatal().accept(e);
        } finally {
            closed(leases);
            ended.countDown();
        }
    }

    private LaneLeases connect() throws SQLException {
        RelaySettings settings = around.settings();
        return new LaneLeases(around.database().openForLeases(settings.lease()), around.relayId(), settings.lease());
    }

    private void tick(LaneLeases leases) throws SQLException {
        if (!lanesCreated) {
            for (ChannelSettings channel : channels.values()) {
                int lanes = leases.createLanes(channel);
                if (lanes != channel.lanes()) {
                    around.listener().lanesDiffer(channel.name(), channel.lanes(), lanes);
                }
            }
            lanesCreated = true;
        }
        for (LaneRunner runner : List.copyOf(runners)) {
            if (runner.hasEnded()) {
                leases.release(runner.lease());
                runners.remove(runner);
            } else if (leases.renew(runner.lease()) || stopping) {
                runner.stop();
            }
        }
        if (!stopping) {
            leases.seen(Relay.version());
            for (Lease lease : leases.acquire(channels.keySet())) {
                start(lease);
            }
        }
    }

    private void start(Lease lease) {
        String name = lease.lane().channel();
        LaneRunner runner = new LaneRunner(
                lease, Objects.requireNonNull(channels.get(name)), Objects.requireNonNull(brokers.get(name)), around);
        runners.add(runner);
        runner.start();
    }

    /** While the database is away a stopping relay cannot give anything back; the leases run out by themselves. */
    private void dropEndedWithoutDatabase() {
        if (stopping) {
            runners.forEach(LaneRunner::stop);
            runners.removeIf(LaneRunner::hasEnded);
        }
    }

    private void leave(@Nullable LaneLeases leases) {
        if (leases == null) {
            return;
        }
        try {
            leases.leave();
        } catch (SQLException e) {
            around.listener().databaseUnavailable("leases", e, Duration.ZERO);
        }
    }

    private @Nullable LaneLeases closed(@Nullable LaneLeases leases) {
        if (leases != null) {
            try {
                leases.close();
            } catch (SQLException e) {
                around.listener().databaseUnavailable("leases", e, Duration.ZERO);
            }
        }
        return null;
    }
}
