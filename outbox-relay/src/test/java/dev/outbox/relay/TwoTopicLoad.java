package dev.outbox.relay;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Appends 1, 2, 3 ... to two topics at once, for three keys in turn, until it is told to stop. */
final class TwoTopicLoad implements AutoCloseable {

    private static final int KEYS = 3;

    private final RelayFixture fixture;
    private final String first;
    private final String second;
    private final AtomicBoolean enough = new AtomicBoolean();
    private final AtomicInteger rounds = new AtomicInteger();
    private CompletableFuture<Void> writer = CompletableFuture.completedFuture(null);

    private TwoTopicLoad(RelayFixture fixture, String first, String second) {
        this.fixture = fixture;
        this.first = first;
        this.second = second;
    }

    static TwoTopicLoad start(RelayFixture fixture, String first, String second) {
        TwoTopicLoad load = new TwoTopicLoad(fixture, first, second);
        load.writer = CompletableFuture.runAsync(load::write);
        return load;
    }

    private void write() {
        try (Connection connection = fixture.connect()) {
            connection.setAutoCommit(false);
            while (!enough.get()) {
                int round = rounds.get() + 1;
                RelayFixture.append(connection, first, "k" + round % KEYS, String.valueOf(round));
                RelayFixture.append(connection, second, "k" + round % KEYS, String.valueOf(round));
                connection.commit();
                rounds.incrementAndGet();
                LockSupport.parkNanos(1_000_000); // a load, not a flood
            }
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    /** How many rounds are committed. */
    int rounds() {
        assertThat(writer).isNotCompletedExceptionally();
        return rounds.get();
    }

    /** The last round. */
    int stop() {
        enough.set(true);
        writer.join();
        return rounds.get();
    }

    @Override
    public void close() {
        stop();
    }

    static int numberIn(String envelope) {
        return Integer.parseInt(envelope.substring(envelope.indexOf("\"data\":") + 7, envelope.length() - 1));
    }

    /** All of these rounds have come, and the first deliveries of each key in order. */
    static void assertComplete(Set<Integer> inOrderOfArrival, int first, int last) {
        for (int key = 0; key < KEYS; key++) {
            int turn = key;
            assertThat(inOrderOfArrival.stream().filter(round -> round % KEYS == turn))
                    .as("key k" + key)
                    .isSorted();
        }
        assertThat(inOrderOfArrival)
                .isEqualTo(IntStream.rangeClosed(first, last).boxed().collect(Collectors.toSet()));
    }
}
