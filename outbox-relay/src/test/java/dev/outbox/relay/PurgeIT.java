package dev.outbox.relay;

import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OutboxServers.class)
class PurgeIT {

    private static final Duration RETENTION = Duration.ofDays(3);

    private final RelayFixture fixture;

    PurgeIT(TestDatabase database) {
        fixture = new RelayFixture(database);
    }

    @BeforeEach
    void fillTables() throws SQLException {
        fixture.reset();
        execute("""
                INSERT INTO parked (seq, id, channel, topic, type, version, occurred_at, source, content_type, generation, lane,
                  state, reason, resolved_at, resolution)
                SELECT n, uuid_v7(), 'default', 't', 'a.b', '1.0', now(), 's', 'application/json', 1, 0,
                  CASE WHEN n > 2500 THEN 'DEAD' ELSE 'RESOLVED' END, 'MESSAGE',
                  CASE WHEN n <= 2200 THEN now() - interval '4 days' WHEN n <= 2500 THEN now() - interval '2 days' END,
                  CASE WHEN n <= 2500 THEN 'published' END
                FROM generate_series(1, 2600) n;
                INSERT INTO attempt (seq, no, relay, error_class, error)
                SELECT seq, no, 'r', 'E', 'e' FROM parked CROSS JOIN generate_series(1, 2) no;
                INSERT INTO audit (at, operator, operation, reason, arguments, matched, changed)
                SELECT now() - n * interval '1 day', 'o', 'retry', 'why', '{}', 1, 1 FROM generate_series(1, 400) n;
                INSERT INTO replay (channel, first_seq, last_seq, rate, matched, state, requested_by, reason, finished_at)
                VALUES ('default', 1, 2, 1, 1, 'DONE', 'o', 'why', now() - interval '400 days'),
                  ('default', 1, 2, 1, 1, 'RUNNING', 'o', 'why', null);
                INSERT INTO replay_lane (replay, generation, lane, seq, published) SELECT id, 1, 0, 1, 1 FROM replay;
                """);
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = fixture.connect();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private long ask(String sql) throws SQLException {
        try (Connection connection = fixture.connect()) {
            return number(connection, sql);
        }
    }

    @Test
    void whatIsPastItsTimeGoesAndWhatIsUnresolvedOrYoungStays() throws SQLException {
        try (Connection connection = fixture.connect()) {
            new Purge(connection).run(RETENTION, () -> false);
        }
        assertThat(ask("SELECT count(*) FROM parked WHERE seq <= 2200")).isZero();
        assertThat(ask("SELECT count(*) FROM parked")).isEqualTo(400);
        assertThat(ask("SELECT count(*) FROM attempt")).isEqualTo(800);
        assertThat(ask("SELECT count(*) FROM audit")).isBetween(364L, 365L);
        assertThat(ask("SELECT count(*) FROM replay WHERE state = 'RUNNING'")).isEqualTo(1);
        assertThat(ask("SELECT count(*) FROM replay")).isEqualTo(1);
        assertThat(ask("SELECT count(*) FROM replay_lane")).isEqualTo(1);
    }

    @Test
    void aStopEndsItAfterABatchAndNobodysLockIsWaitedFor() throws SQLException {
        AtomicInteger batches = new AtomicInteger();
        try (Connection operator = fixture.connect();
                Statement statement = operator.createStatement();
                Connection connection = fixture.connect();
                Statement timeout = connection.createStatement()) {
            operator.setAutoCommit(false);
            statement.execute("SELECT FROM parked WHERE seq <= 100 FOR UPDATE");
            timeout.execute("SET lock_timeout = '1s'");
            // The checkpoints' batch is the first, then two of parked messages.
            new Purge(connection).run(RETENTION, () -> batches.incrementAndGet() > 3);
            assertThat(ask("SELECT count(*) FROM parked")).isEqualTo(600);
            operator.rollback();
        }
        assertThat(ask("SELECT count(*) FROM parked WHERE seq <= 100")).isEqualTo(100);
    }
}
