package dev.outbox.relay;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * Removes what is past its time from the relay's own tables: in small batches, each a short statement that waits for nobody. On
 * one connection, in autocommit mode.
 */
final class Purge {

    /** Audit and replays are few, and asked for late. */
    private static final Duration AUDIT_RETENTION = Duration.ofDays(365);

    private static final int BATCH = 1000;

    private static final String PARKED = """
            WITH old AS MATERIALIZED (
              SELECT seq
              FROM parked
              WHERE resolved_at < clock_timestamp() - ? * interval '1 millisecond'
              ORDER BY resolved_at
              LIMIT ?
              FOR UPDATE SKIP LOCKED
            ), attempts AS (
              DELETE FROM attempt a USING old WHERE a.seq = old.seq
            )
            DELETE FROM parked p USING old WHERE p.seq = old.seq
            """;

    private static final String AUDIT = """
            DELETE FROM audit
            WHERE id IN (
              SELECT id
              FROM audit
              WHERE at < clock_timestamp() - ? * interval '1 millisecond'
              ORDER BY at
              LIMIT ?)
            """;

    /** What each lane did of a replay goes with it. */
    private static final String REPLAYS = """
            DELETE FROM replay
            WHERE id IN (
              SELECT id
              FROM replay
              WHERE finished_at < clock_timestamp() - ? * interval '1 millisecond'
              ORDER BY finished_at
              LIMIT ?
              FOR UPDATE SKIP LOCKED)
            """;

    /** One in ten seconds is kept of what is older than an hour, nothing of what is past retention but the newest. */
    private static final String CHECKPOINTS = """
            DELETE FROM checkpoint
            WHERE (channel, generation, lane, no) IN (
              SELECT channel, generation, lane, no
              FROM (
                SELECT channel, generation, lane, no, made_at,
                  row_number() OVER (PARTITION BY channel, generation, lane ORDER BY no DESC) AS age,
                  row_number() OVER (
                    PARTITION BY channel, generation, lane, floor(extract(epoch FROM made_at) / 10) ORDER BY no DESC) AS spare
                FROM checkpoint
              ) c
              WHERE age > 1
                AND ((spare > 1 AND made_at < clock_timestamp() - interval '1 hour')
                  OR made_at < clock_timestamp() - ? * interval '1 millisecond')
              LIMIT ?)
            """;

    private final Connection connection;

    Purge(Connection connection) {
        this.connection = connection;
    }

    /**
     * Removes what is due.
     *
     * @param retention how long receipts and what was parked and resolved are kept
     * @param stopping asked before each batch
     */
    void run(Duration retention, BooleanSupplier stopping) throws SQLException {
        remove(CHECKPOINTS, retention, stopping);
        remove(PARKED, retention, stopping);
        remove(AUDIT, AUDIT_RETENTION, stopping);
        remove(REPLAYS, AUDIT_RETENTION, stopping);
    }

    private void remove(String sql, Duration age, BooleanSupplier stopping) throws SQLException {
        try (PreparedStatement delete = connection.prepareStatement(sql)) {
            delete.setLong(1, age.toMillis());
            delete.setInt(2, BATCH);
            int removed = BATCH;
            while (removed == BATCH && !stopping.getAsBoolean()) {
                removed = delete.executeUpdate();
            }
        }
    }
}
