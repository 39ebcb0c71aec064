package dev.outbox.testkit.history;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.testkit.PostgresOptions;
import dev.outbox.testkit.PostgresServer;
import dev.outbox.testkit.TestDatabase;
import dev.outbox.testkit.history.workload.Appender;
import dev.outbox.testkit.history.workload.Fault;
import dev.outbox.testkit.history.workload.HistoryRun;
import dev.outbox.testkit.history.workload.Shape;
import dev.outbox.testkit.history.workload.Workload;
import dev.outbox.testkit.history.workload.WorkloadCounts;
import dev.outbox.testkit.history.workload.WorkloadSettings;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The checker against real relays, simple ones: it must convict the wrong one and acquit the right one. */
class HistoryCheckerIT {

    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final WorkloadSettings SETTINGS =
            WorkloadSettings.defaults().withHold(Duration.ofMillis(200), Duration.ofSeconds(1));

    private static PostgresServer server;

    private final History history = new History(Clock.systemUTC());
    private TestDatabase database;

    @BeforeAll
    static void startServer() {
        server = PostgresServer.start(PostgresOptions.defaults().asNativeOnly().withSetting("wal_writer_delay", "10s"));
    }

    @AfterAll
    static void closeServer() {
        server.close();
    }

    @BeforeEach
    void createDatabase() {
        database = server.createDatabase("history");
        OutboxSchema.create(database, "outbox");
    }

    @AfterEach
    void dropDatabase() {
        database.close();
    }

    @Test
    void aPollerThatRemembersTheLastIdLosesMessages() {
        HistoryRun.Result result;
        try (LastIdPoller poller = LastIdPoller.start(database.dataSource(), history)) {
            result = HistoryRun.of(history, workload(SETTINGS)).run(2_000, PATIENCE, Duration.ofSeconds(1));
            assertThat(poller.last()).isPositive();
        }

        HistoryReport report = result.report();
        assertThat(result.shortfalls()).singleElement().asString().contains("not drained");
        assertThat(report.lost()).as(report.toString()).isPositive();
        assertThat(report.phantom()).isZero();
        assertThat(report.corrupted()).isZero();
    }

    @Test
    void everythingReadOnceAfterTheWritersHaveEndedIsClean() throws SQLException {
        WorkloadCounts counts;
        try (Workload workload = workload(SETTINGS)) {
            workload.start();
            assertThat(workload.awaitCommits(2_000, PATIENCE)).isTrue();
            workload.finish();
            counts = workload.counts();
        }

        LastIdPoller.readOnce(database.dataSource(), history);
        HistoryReport report = HistoryChecker.check(history).assertClean();

        assertThat(counts.rollbacks()).isPositive();
        assertThat(report.committed()).isGreaterThan(counts.commits());
        assertThat(report.rolledBack()).isGreaterThan(counts.rollbacks());
        assertThat(report.duplicates()).isZero();
    }

    @Test
    void historiesAcrossCrashesOfTheServerAreResolvedFromTheDomainTable() throws SQLException {
        Workload workload = workload(SETTINGS.withWeight(Shape.LONG, 20));
        Fault crash = Fault.alternating(
                "PostgreSQL killed",
                Duration.ofSeconds(1),
                3,
                () -> {
                    server.kill();
                    server.restart();
                },
                () -> assertThat(xidsGivenOutAgain(workload)).isPositive());

        HistoryRun.Result result =
                HistoryRun.of(history, workload).withFault(crash).run(1_000, PATIENCE, Duration.ZERO);
        LastIdPoller.readOnce(database.dataSource(), history);

        // Where commits are slow the fault goes on striking until there are enough of them.
        assertThat(result.faults().get("PostgreSQL killed")).isGreaterThanOrEqualTo(3);
        assertThat(result.counts().connections()).isGreaterThan(SETTINGS.writers() * 2L);
        assertThat(result.counts().statementFailures()).isPositive();
        HistoryChecker.check(history).assertClean();
    }

    /** Kills the server amid rollbacks; how far its xids were set back by that. */
    private long xidsGivenOutAgain(Workload workload) {
        AtomicLong before = new AtomicLong();
        assertThat(workload.amidRollbacks(50, PATIENCE, () -> {
                    before.set(nextXid());
                    server.kill();
                }))
                .isTrue();
        server.restart();
        return before.get() - nextXidAfterRecovery();
    }

    private long nextXid() {
        return number("select pg_snapshot_xmax(pg_current_snapshot())::text::bigint");
    }

    /** As the recovery's own checkpoint has it: the writers are back by now and have taken xids since. */
    private long nextXidAfterRecovery() {
        return number("select split_part(next_xid, ':', 2)::bigint from pg_control_checkpoint()");
    }

    private long number(String sql) {
        try (Connection connection = database.connection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getLong(1);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private Workload workload(WorkloadSettings settings) {
        return Workload.prepare(database.dataSource(), Appender.insert("outbox"), history, settings);
    }
}
