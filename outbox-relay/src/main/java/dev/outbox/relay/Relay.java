package dev.outbox.relay;

import dev.outbox.relay.broker.Broker;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/**
 * A running relay: takes lanes of its channels, publishes them, and turns the ring of segments.
 *
 * <p>Any number of relays may run on one outbox; each lane has one owner at a time. Thread-safe.
 *
 * <pre>{@code
 * try (Relay relay = Relay.start(database, RelaySettings.defaults(), Map.of(ChannelSettings.of("default"), kafka), log)) {
 *     relay.stopped().join();
 * }
 * }</pre>
 */
public final class Relay implements AutoCloseable {

    private final String id;
    private final LaneKeeper lanes;
    private final SegmentKeeper segments;
    private final RelaySettings settings;
    private final CompletableFuture<Void> stopped;

    private Relay(
            String id,
            LaneKeeper lanes,
            SegmentKeeper segments,
            RelaySettings settings,
            CompletableFuture<Void> stopped) {
        this.id = id;
        this.lanes = lanes;
        this.segments = segments;
        this.settings = settings;
        this.stopped = stopped;
    }

    /**
     * Starts a relay and returns at once; a database or broker that is away is waited for. The schema must be there.
     *
     * @param channels each channel with the broker it goes to; the brokers stay the caller's to close
     */
    public static Relay start(
            Database database, RelaySettings settings, Map<ChannelSettings, Broker> channels, RelayListener listener) {
        CompletableFuture<Void> stopped = new CompletableFuture<>();
        RelayListener guarded = GuardedListener.around(listener);
        String id = settings.name() + "-" + UUID.randomUUID().toString().substring(0, 8);
        LaneRunner.Surroundings around =
                new LaneRunner.Surroundings(id, database, settings, guarded, stopped::completeExceptionally);
        Map<String, Broker> brokers = new HashMap<>();
        channels.forEach((channel, broker) -> {
            if (brokers.put(channel.name(), broker) != null) {
                throw new IllegalArgumentException("Channel is given twice: name=" + channel.name());
            }
        });
        Relay relay = new Relay(
                id,
                new LaneKeeper(List.copyOf(channels.keySet()), brokers, around),
                new SegmentKeeper(database, settings, guarded, stopped::completeExceptionally),
                settings,
                stopped);
        relay.stopOnFailure(guarded);
        relay.lanes.start();
        relay.segments.start();
        return relay;
    }

    /** The version of this code, as it appears in the {@code relay} table. */
    public static String version() {
        return Optional.ofNullable(Relay.class.getPackage().getImplementationVersion())
                .orElse("development");
    }

    /** The name from the settings and what makes it unique: how the relay appears in {@code lane} and {@code relay}. */
    public String id() {
        return id;
    }

    /** Completes when the relay has been closed; completes exceptionally when it cannot go on and an operator is needed. */
    public CompletableFuture<Void> stopped() {
        return stopped.copy();
    }

    /**
     * Stops: each lane waits for the broker's answers, at most {@link RelaySettings#shutdownTimeout()}, writes down how far
     * it came, and is given back for another relay to take at once. What was not acknowledged is published by the next.
     */
    @Override
    public void close() {
        signalStop();
        Duration longest = settings.shutdownTimeout().plusSeconds(10);
        try {
            if (!lanes.awaitEnd(longest)) {
                stopped.completeExceptionally(new RelayException(
                        "Lanes did not end in time: waited=" + longest + "; their leases run out by themselves"));
            }
            segments.awaitEnd(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stopped.completeExceptionally(
                    new RelayException("Stop was interrupted; the leases run out by themselves", e));
        }
        stopped.complete(null);
    }

    private void stopOnFailure(RelayListener listener) {
        var unused = stopped.whenComplete((done, cause) -> {
            if (cause != null) {
                listener.failed(cause);
                signalStop();
            }
        });
    }

    private void signalStop() {
        lanes.stop();
        segments.stop();
    }
}
