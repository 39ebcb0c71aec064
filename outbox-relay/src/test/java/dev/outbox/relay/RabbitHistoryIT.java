package dev.outbox.relay;

import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.testkit.PostgresOptions;
import dev.outbox.testkit.PostgresServer;
import dev.outbox.testkit.RabbitOptions;
import dev.outbox.testkit.RabbitServer;
import dev.outbox.testkit.TestDatabase;
import dev.outbox.testkit.history.History;
import dev.outbox.testkit.history.RabbitHistoryReader;
import dev.outbox.testkit.history.RabbitHistoryReader.QueueType;
import dev.outbox.testkit.history.workload.Appender;
import dev.outbox.testkit.history.workload.Fault;
import dev.outbox.testkit.history.workload.HistoryRun;
import dev.outbox.testkit.history.workload.RelayProcesses;
import dev.outbox.testkit.history.workload.Workload;
import dev.outbox.testkit.history.workload.WorkloadSettings;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * {@link HistoryIT} on RabbitMQ, which is killed too: two workloads at once, one on a channel of pipelined order and a
 * classic queue, the other on a channel of strict order and a quorum queue.
 */
class RabbitHistoryIT {

    private static final int COMMITS = 3_000;
    private static final int RELAY_KILLS = 7;
    private static final int RABBIT_KILLS = 5;
    private static final Duration LIMIT = Duration.ofMinutes(4);
    private static final Duration DRAIN = Duration.ofSeconds(90);

    private static final String INSERT = """
            INSERT INTO outbox.message (id, channel, topic, key, type, payload)
            VALUES (?, '%s', ?, ?, ?, ?::json)
            """;

    @Test
    void nothingIsLostInventedOrReorderedWhileRelaysAndRabbitMqAreKilled() throws Exception {
        try (PostgresServer postgres =
                        PostgresServer.start(PostgresOptions.defaults().asNativeOnly());
                RabbitServer rabbit =
                        RabbitServer.start(RabbitOptions.defaults().asNativeOnly())) {
            TestDatabase database = postgres.createDatabase("history");
            RelayFixture fixture = new RelayFixture(database);
            fixture.reset();
            RabbitHistoryReader.declareQueue(rabbit.amqpUri(), "pipelined", QueueType.CLASSIC, "pipelined");
            RabbitHistoryReader.declareQueue(rabbit.amqpUri(), "strict", QueueType.QUORUM, "strict");
            rabbit.syncDeclarations();
            Side pipelined = new Side(database, "default", "pipelined", 1);
            Side strict = new Side(database, RelayMain.STRICT, "strict", 2);
            try (RelayProcesses relays = RelayProcesses.start(2, n -> RelayMain.start(fixture.database(), rabbit));
                    RabbitHistoryReader first =
                            RabbitHistoryReader.start(rabbit.amqpUri(), "pipelined", pipelined.history);
                    RabbitHistoryReader second =
                            RabbitHistoryReader.start(rabbit.amqpUri(), "strict", strict.history)) {
                CompletableFuture<HistoryRun.Result> beside =
                        CompletableFuture.supplyAsync(() -> strict.run().run(COMMITS, LIMIT, DRAIN));
                HistoryRun.Result result = pipelined
                        .run()
                        .withFault(killsOf(relays, pipelined.history))
                        .withFault(killsOf(rabbit, pipelined.history))
                        .run(COMMITS, LIMIT, DRAIN);
                HistoryRun.Result resultBeside = beside.get(LIMIT.plus(DRAIN).toSeconds(), TimeUnit.SECONDS);
                System.out.println("History, pipelined: " + result);
                System.out.println("History, strict: " + resultBeside);
                result.assertProved();
                resultBeside.assertProved();
                assertThat(first.failure()).isEmpty();
                assertThat(second.failure()).isEmpty();
                assertThat(relays.unexpectedEnds()).isEmpty();
                assertThat(result.report().duplicates() + resultBeside.report().duplicates())
                        .as("duplicates, without which the kills struck nothing")
                        .isPositive();
            }
            try (Connection connection = fixture.connect()) {
                assertThat(number(connection, "SELECT count(*) FROM parked")).isZero();
                assertThat(number(connection, "SELECT max(order_exceptions) FROM checkpoint"))
                        .isZero();
            }
        }
    }

    /** One channel with its writers, its queue and its history. */
    private static final class Side {
        private final History history = new History(Clock.systemUTC());
        private final Workload workload;

        Side(TestDatabase database, String channel, String topic, long seed) {
            workload = Workload.prepare(database.dataSource(), appender(channel), history, settings(topic, seed));
        }

        HistoryRun run() {
            return HistoryRun.of(history, workload);
        }

        private static WorkloadSettings settings(String topic, long seed) {
            WorkloadSettings usual = WorkloadSettings.defaults();
            return new WorkloadSettings(
                    8,
                    usual.keys(),
                    usual.hotKeys(),
                    usual.weights(),
                    150,
                    usual.holdMin(),
                    usual.holdMax(),
                    usual.payloadBytes(),
                    topic,
                    "workload_" + topic,
                    seed);
        }

        private static Appender appender(String channel) {
            String insert = INSERT.formatted(channel);
            return (connection, topic, key, type, payload, id) -> {
                try (PreparedStatement statement = connection.prepareStatement(insert)) {
                    statement.setObject(1, id);
                    statement.setString(2, topic);
                    statement.setString(3, key);
                    statement.setString(4, type);
                    statement.setString(5, payload);
                    statement.executeUpdate();
                }
            };
        }
    }

    private static Fault killsOf(RelayProcesses relays, History history) {
        return new Fault("relay killed", Duration.ofMillis(300), RELAY_KILLS, () -> {
            history.awaitProgress(100, Duration.ofSeconds(30));
            relays.killWorking("Lane publishes", Duration.ofSeconds(20));
        });
    }

    private static Fault killsOf(RabbitServer rabbit, History history) {
        return new Fault("RabbitMQ killed", Duration.ofSeconds(1), RABBIT_KILLS, () -> {
            history.awaitProgress(100, Duration.ofSeconds(30));
            rabbit.kill();
            rabbit.restart();
        });
    }
}
