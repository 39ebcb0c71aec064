package dev.outbox.relay;

import static dev.outbox.relay.Patience.await;
import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.testkit.KafkaOptions;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.PostgresOptions;
import dev.outbox.testkit.PostgresServer;
import dev.outbox.testkit.TestDatabase;
import dev.outbox.testkit.history.History;
import dev.outbox.testkit.history.KafkaHistoryReader;
import dev.outbox.testkit.history.workload.Appender;
import dev.outbox.testkit.history.workload.Fault;
import dev.outbox.testkit.history.workload.HistoryRun;
import dev.outbox.testkit.history.workload.RelayProcesses;
import dev.outbox.testkit.history.workload.Workload;
import dev.outbox.testkit.history.workload.WorkloadSettings;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * The promises, on real servers, while everything is killed: nothing lost, nothing of a rollback, order for each key.
 *
 * <p>Writers make transactions of every shape beside small segments that are rotated and emptied all the time; relay
 * processes and PostgreSQL get SIGKILL. The same workload and checker convict a poller that remembers the last id
 * ({@code HistoryCheckerIT} of the testkit).
 */
class HistoryIT {

    private static final int COMMITS = 20_000;
    private static final int RELAY_KILLS = 20;
    private static final int POSTGRES_KILLS = 4;
    private static final int SEGMENTS = 10;
    private static final String TOPIC = "history";

    @Test
    void nothingIsLostInventedOrReorderedWhileRelaysAndPostgresAreKilled() throws Exception {
        try (PostgresServer postgres =
                        PostgresServer.start(PostgresOptions.defaults().asNativeOnly());
                KafkaServer kafka = KafkaServer.start(KafkaOptions.defaults().asNativeOnly())) {
            kafka.createTopic(TOPIC, 4, Map.of());
            TestDatabase database = postgres.createDatabase("history");
            RelayFixture fixture = new RelayFixture(database, kafka);
            fixture.reset();
            History history = new History(Clock.systemUTC());
            Workload workload = Workload.prepare(
                    database.dataSource(),
                    Appender.insert("outbox"),
                    history,
                    WorkloadSettings.defaults().withTopic(TOPIC).withCommitsPerSecondMax(700));
            HistoryRun.Result result;
            try (RelayProcesses relays = RelayProcesses.start(
                            2, n -> RelayMain.start(fixture.database(), kafka.bootstrapServers()));
                    KafkaHistoryReader reader = KafkaHistoryReader.start(kafka.bootstrapServers(), TOPIC, history)) {
                result = HistoryRun.of(history, workload)
                        .withFault(killsOf(relays, history))
                        .withFault(killsOf(postgres, workload))
                        .withFault(turnsOfTheRing(fixture))
                        .run(COMMITS, Duration.ofMinutes(12), Duration.ofMinutes(3));
                assertThat(reader.failure()).isEmpty();
                assertThat(relays.unexpectedEnds()).isEmpty();
            }
            System.out.println("History: " + result);
            result.assertProved();
            assertThat(result.report().duplicates())
                    .as("duplicates, without which the kills struck nothing")
                    .isPositive();
            try (Connection connection = fixture.connect()) {
                assertThat(emptiedSegments(connection)).as("emptied segments").isGreaterThanOrEqualTo(SEGMENTS);
                assertThat(number(connection, "SELECT count(*) FROM parked")).isZero();
                assertThat(
                                number(
                                        connection,
                                        "SELECT sum(n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE relname ~ '^message_[0-3]$'"))
                        .as("rows updated or deleted in messages")
                        .isZero();
            }
        }
    }

    /** Each strikes a relay at work, some way behind the kill before. */
    private static Fault killsOf(RelayProcesses relays, History history) {
        return new Fault("relay killed", Duration.ofMillis(200), RELAY_KILLS, () -> {
            history.awaitProgress(1_000, Patience.LONGEST);
            relays.killWorking("Lane publishes", Patience.LONGEST);
        });
    }

    private static Fault killsOf(PostgresServer postgres, Workload workload) {
        return Fault.alternating(
                "PostgreSQL killed",
                Duration.ofSeconds(8),
                POSTGRES_KILLS,
                () -> {
                    workload.amidRollbacks(100, Duration.ofSeconds(30), postgres::kill);
                    postgres.restart();
                },
                () -> {
                    postgres.kill();
                    postgres.restart();
                });
    }

    /** Breaks nothing, but the run goes on until this has come about often enough, however slow or quick the machine. */
    private static Fault turnsOfTheRing(RelayFixture fixture) {
        return new Fault("segment emptied", Duration.ofMillis(1), SEGMENTS, () -> {
            long before = emptiedSegments(fixture);
            await().atMost(Duration.ofMinutes(5)).until(() -> emptiedSegments(fixture) > before);
        });
    }

    /** Waits for PostgreSQL, which may be away. */
    private static long emptiedSegments(RelayFixture fixture) {
        return await().ignoreExceptionsInstanceOf(SQLException.class)
                .until(
                        () -> {
                            try (Connection connection = fixture.connect()) {
                                return emptiedSegments(connection);
                            }
                        },
                        emptied -> true);
    }

    private static long emptiedSegments(Connection connection) throws SQLException {
        return number(connection, "SELECT count(*) FROM segment_log WHERE truncated_at IS NOT NULL");
    }
}
