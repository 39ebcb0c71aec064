package dev.outbox.relay;

import static dev.outbox.relay.Patience.await;
import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.relay.broker.Failure;
import dev.outbox.testkit.KafkaOptions;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.PostgresOptions;
import dev.outbox.testkit.PostgresServer;
import dev.outbox.testkit.TestDatabase;
import dev.outbox.testkit.TopicReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The broker or the database goes away under load and comes back: all arrives, in order, and nothing is parked. */
class OutageIT {

    private static PostgresServer postgres;
    private static KafkaServer kafka;
    private static TestDatabase database;

    private final String topic = KafkaServer.uniqueTopic("outage");
    private RelayFixture fixture;

    @BeforeAll
    static void startServers() {
        postgres = PostgresServer.start(PostgresOptions.defaults().asNativeOnly());
        kafka = KafkaServer.start(KafkaOptions.defaults().asNativeOnly());
        database = postgres.createDatabase("outage");
    }

    @AfterAll
    static void closeServers() {
        kafka.close();
        postgres.close();
    }

    @BeforeEach
    void emptyOutbox() throws SQLException {
        fixture = new RelayFixture(database, kafka);
        fixture.reset();
        kafka.createTopic(topic, 1, Map.of());
    }

    @Test
    void kafkaStopsAndStarts() throws Exception {
        everythingArrives(() -> {
            kafka.stop();
            await().until(() -> backlogOlderThan("4 seconds"));
            kafka.restart();
        });
    }

    /** As long as is wanted, {@code -Doutbox.test.outage=PT10M}; otherwise until the relay has tried in vain many times. */
    @Test
    void whatIsAppendedDuringALongOutageIsPublishedAndNothingParked() throws Exception {
        Duration longest = Duration.parse(System.getProperty("outbox.test.outage", "PT0S"));
        AtomicInteger tries = new AtomicInteger();
        RelayListener listener = new RelayListener() {
            @Override
            public void outage(LaneKey lane, Failure failure, Duration retryIn) {
                tries.incrementAndGet();
            }
        };
        ChannelSettings channel = ChannelSettings.of("default").withPublishTimeout(Duration.ofMillis(500));
        try (Relay relay = Relay.start(
                        fixture.database(), RelayFixture.UNHURRIED, Map.of(channel, fixture.broker()), listener);
                Connection writer = fixture.connect()) {
            RelayFixture.append(writer, topic, "key", "0");
            await().until(() -> number(writer, "SELECT count(*) FROM pending") == 0);
            kafka.stop();
            long stopped = System.nanoTime();
            for (int n = 1; n <= 50; n++) {
                number(
                        writer,
                        "WITH a AS (INSERT INTO message (topic, key, type, source, payload) SELECT '" + topic
                                + "', 'k' || i % 100, 'a.b', 'test', '1' FROM generate_series(1, 1000) i RETURNING 1)"
                                + " SELECT count(*) FROM a");
            }
            await().atMost(longest.plusMinutes(2))
                    .until(() -> tries.get() >= 3 && System.nanoTime() - stopped >= longest.toNanos());
            assertThat(number(writer, "SELECT count(*) FROM lane WHERE trouble LIKE 'the broker cannot be used%'"))
                    .isEqualTo(1);
            kafka.restart();
            await().until(() -> number(writer, "SELECT count(*) FROM pending") == 0);
            assertThat(number(writer, "SELECT count(*) FROM parked")).isZero();
            assertThat(number(writer, "SELECT count(*) FROM attempt")).isZero();
            assertThat(number(writer, "SELECT max(published) FROM checkpoint")).isEqualTo(50_001);
            await().until(() -> number(writer, "SELECT count(*) FROM lane WHERE trouble IS NULL") == 1);
            assertThat(relay.stopped()).isNotDone();
        }
    }

    @Test
    void kafkaIsKilledAndStarts() throws Exception {
        everythingArrives(() -> {
            kafka.kill();
            kafka.restart();
        });
    }

    @Test
    void kafkaFreezesForLongerThanTheRelayWaits() throws Exception {
        everythingArrives(() -> {
            kafka.suspend();
            await().until(() -> backlogOlderThan("4 seconds"));
            kafka.resume();
        });
    }

    @Test
    void postgresStopsAndStarts() throws Exception {
        everythingArrives(() -> {
            postgres.stop();
            postgres.restart();
        });
    }

    @Test
    void postgresIsKilledAndStarts() throws Exception {
        everythingArrives(() -> {
            postgres.kill();
            postgres.restart();
        });
    }

    private boolean backlogOlderThan(String age) throws SQLException {
        try (Connection connection = fixture.connect()) {
            return number(connection, "SELECT count(*) FROM pending WHERE age > interval '" + age + "'") > 0;
        }
    }

    private void everythingArrives(Runnable outage) throws Exception {
        ChannelSettings channel = ChannelSettings.of("default").withPublishTimeout(Duration.ofSeconds(2));
        AtomicInteger committed = new AtomicInteger();
        AtomicBoolean enough = new AtomicBoolean();
        try (Relay relay = fixture.relay(RelayFixture.QUICK, channel)) {
            CompletableFuture<Void> writer = CompletableFuture.runAsync(() -> write(committed, enough));
            await().until(() -> committed.get() > 200);
            outage.run();
            int back = committed.get();
            await().until(() -> committed.get() > back + 200);
            enough.set(true);
            writer.get();
            try (Connection connection = fixture.connect();
                    TopicReader reader = fixture.read(topic)) {
                await().until(() -> number(connection, "SELECT count(*) FROM pending") == 0);
                List<Integer> expected =
                        IntStream.rangeClosed(1, committed.get()).boxed().toList();
                Set<Integer> first = new LinkedHashSet<>();
                // Some come twice, so how many came does not tell whether all are there.
                await().untilAsserted(() -> {
                    while (reader.poll() > 0) {
                        // what is there by now
                    }
                    reader.await(0)
                            .forEach(read ->
                                    first.add(numberIn(TopicReader.value(read).orElseThrow())));
                    assertThat(first.size()).as("different messages").isGreaterThanOrEqualTo(expected.size());
                });
                assertThat(List.copyOf(first)).isEqualTo(expected);
                assertThat(number(connection, "SELECT count(*) FROM parked")).isZero();
            }
            assertThat(relay.stopped()).isNotDone();
        }
    }

    private static int numberIn(String envelope) {
        return Integer.parseInt(envelope.substring(envelope.indexOf("\"data\":") + 7, envelope.length() - 1));
    }

    /** Appends 1, 2, 3 ... to one key; a number whose commit failed is looked up before it is tried again. */
    private void write(AtomicInteger committed, AtomicBoolean enough) {
        while (!enough.get()) {
            try (Connection connection = fixture.connect()) {
                committed.set((int) number(connection, "SELECT count(*) FROM message WHERE topic = '" + topic + "'"));
                while (!enough.get()) {
                    RelayFixture.append(connection, topic, "key", String.valueOf(committed.get() + 1));
                    committed.incrementAndGet();
                }
            } catch (SQLException e) {
                Thread.onSpinWait(); // the database is away; the next connection says when it is back
            }
        }
    }
}
