package dev.outbox.relay;

import static dev.outbox.relay.Patience.await;
import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

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
        kafka.createTopic(topic, 1, java.util.Map.of());
    }

    @Test
    void kafkaStopsAndStarts() throws Exception {
        everythingArrives(() -> {
            kafka.stop();
            await().until(() -> backlogOlderThan("4 seconds"));
            kafka.restart();
        });
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
