package dev.outbox.relay;

import dev.outbox.relay.broker.Failure;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.HashSet;
import java.util.List;
import java.util.function.Function;

/** A lane's checkpoints: reads the newest, appends the next. On the lane's own connection, in autocommit mode. */
final class CheckpointStore {

    static final String LOAD = """
            SELECT no, snapshot::text, window_snapshot::text, window_end, page_seq, published, parked,
              order_exceptions, system_identifier, timeline
            FROM checkpoint
            WHERE channel = ? AND generation = ? AND lane = ?
            ORDER BY no DESC
            LIMIT 1
            """;

    // The lane's row is locked against a takeover for the length of this one statement, and only as its owner.
    private static final String FENCE = """
            WITH fence AS MATERIALIZED (
              SELECT channel, generation, lane, owner, epoch
              FROM lane
              WHERE channel = ? AND generation = ? AND lane = ? AND owner = ? AND epoch = ?
              FOR SHARE
            )""";

    /** Of one message; a topic that is away for long is tried very often. */
    static final int ATTEMPTS_KEPT = 100;

    /** A message that is dead is tried again when an operator wants it; of the others this is the next time. */
    private static final String STATE =
            "CASE WHEN {new}.state = 'RETRYING' AND {attempts} >= limits.attempts THEN 'DEAD' ELSE {new}.state END";

    private static final String NEXT_ATTEMPT_AT = """
            CASE WHEN {new}.state = 'RETRYING' AND {attempts} < limits.attempts
              THEN clock_timestamp() + least(limits.longest, limits.backoff * 4 ^ least({attempts} - 1, 20))
                * (0.9 + 0.2 * random()) * interval '1 millisecond' END""";

    private static final String LIMITS = """
            , limits (attempts, backoff, longest) AS MATERIALIZED (
              VALUES (?::int, ?::bigint, ?::bigint)
            )""";

    private static final String PARK = """
            , parking AS MATERIALIZED (
              SELECT *, (p.state = 'RETRYING')::int AS attempts
              FROM unnest(?::bigint[], ?::text[], ?::text[], ?::text[], ?::text[], ?::bigint[])
                AS p (seq, state, reason, error_class, error, held_by)
            ), parked_now AS (
              INSERT INTO parked (seq, id, channel, topic, key, type, version, occurred_at, correlation_id, causation_id,
                source, headers, payload, body, content_type, generation, lane, state, reason, attempts, next_attempt_at,
                first_error_class, first_error, last_error_class, last_error, held_by)
              SELECT m.seq, m.id, m.channel, m.topic, m.key, m.type, m.version, m.occurred_at, m.correlation_id,
                m.causation_id, m.source, m.headers, m.payload, m.body, m.content_type, f.generation, f.lane,
                {state}, p.reason, p.attempts, {next_attempt_at},
                p.error_class, p.error, p.error_class, p.error, p.held_by
              FROM fence f
              CROSS JOIN limits
              CROSS JOIN parking p
              JOIN message m ON m.seq = p.seq
            ), attempted AS (
              INSERT INTO attempt (seq, no, relay, error_class, error)
              SELECT p.seq, 1, f.owner, p.error_class, p.error
              FROM fence f
              CROSS JOIN parking p
              WHERE p.error IS NOT NULL
            )""".replace("{state}", STATE)
            .replace("{next_attempt_at}", NEXT_ATTEMPT_AT)
            .replace("{new}", "p")
            .replace("{attempts}", "p.attempts");

    /**
     * What an operator is changing at the moment is left to the operator: whoever leaves a transaction open must not stop the lane.
     * It is tried again, then. What an operator has resolved meanwhile stays so; that it is published too is told.
     */
    private static final String RESOLVE = """
            , given AS MATERIALIZED (
              SELECT *
              FROM unnest(?::bigint[], ?::text[], ?::text[], ?::text[], ?::text[], ?::bigint[])
                AS o (seq, state, reason, error_class, error, held_by)
            ), outcome AS MATERIALIZED (
              SELECT o.*, f.owner, p.attempts + (o.state = 'RETRYING')::int AS tried, p.resolved_at IS NULL AS unresolved
              FROM fence f
              CROSS JOIN given o
              JOIN parked p ON p.seq = o.seq
              ORDER BY o.seq
              FOR UPDATE OF p SKIP LOCKED
            ), resolved_now AS (
              UPDATE parked p
              SET attempts = o.tried,
                first_error_class = coalesce(p.first_error_class, o.error_class),
                first_error = coalesce(p.first_error, o.error),
                last_error_class = coalesce(o.error_class, p.last_error_class),
                last_error = coalesce(o.error, p.last_error),
                held_by = CASE WHEN o.state = 'RESOLVED' THEN p.held_by ELSE o.held_by END,
                broker_positions = CASE WHEN o.state = 'RESOLVED' THEN ?::json END,
                state = CASE WHEN o.unresolved THEN {state} ELSE p.state END,
                reason = CASE WHEN o.unresolved AND o.state <> 'RESOLVED' THEN o.reason ELSE p.reason END,
                next_attempt_at = CASE WHEN o.unresolved THEN {next_attempt_at} END,
                resolved_at = CASE WHEN o.unresolved AND o.state = 'RESOLVED' THEN clock_timestamp() ELSE p.resolved_at END,
                resolution = CASE WHEN o.unresolved AND o.state = 'RESOLVED' THEN 'published' ELSE p.resolution END,
                resolved_by = CASE WHEN o.unresolved AND o.state = 'RESOLVED' THEN o.owner ELSE p.resolved_by END
              FROM outcome o
              CROSS JOIN limits
              WHERE p.seq = o.seq
            ), attempted_again AS (
              INSERT INTO attempt (seq, no, relay, error_class, error)
              SELECT o.seq, coalesce((SELECT max(no) FROM attempt a WHERE a.seq = o.seq), 0) + 1, o.owner, o.error_class,
                o.error
              FROM outcome o
              WHERE o.error IS NOT NULL
            ), forgotten AS (
              DELETE FROM attempt a
              USING outcome o
              WHERE a.seq = o.seq AND o.error IS NOT NULL
                AND a.no <= (SELECT max(no) FROM attempt l WHERE l.seq = o.seq) - {attempts_before}
            )""".replace("{attempts_before}", String.valueOf(ATTEMPTS_KEPT - 1))
            .replace("{state}", STATE)
            .replace("{next_attempt_at}", NEXT_ATTEMPT_AT)
            .replace("{new}", "o")
            .replace("{attempts}", "o.tried");

    private static final String REPLAY = """
            , replayed AS (
              INSERT INTO replay_lane (replay, generation, lane, seq, published, refused, last_error, finished_at)
              SELECT s.replay, f.generation, f.lane, s.seq, s.published, s.refused, s.error,
                CASE WHEN s.finished THEN clock_timestamp() END
              FROM fence f
              CROSS JOIN unnest(?::uuid[], ?::bigint[], ?::int[], ?::int[], ?::text[], ?::boolean[])
                AS s (replay, seq, published, refused, error, finished)
              JOIN replay r ON r.id = s.replay
              ON CONFLICT (replay, generation, lane) DO UPDATE
              SET seq = excluded.seq, published = replay_lane.published + excluded.published,
                refused = replay_lane.refused + excluded.refused,
                last_error = coalesce(excluded.last_error, replay_lane.last_error),
                moved_at = clock_timestamp(), finished_at = excluded.finished_at
            )""";

    private static final String APPEND = """

            INSERT INTO checkpoint (channel, generation, lane, relay, epoch, no, snapshot, window_snapshot, window_end,
              page_seq, published, parked, order_exceptions, first_seq, last_seq, broker_positions, system_identifier,
              timeline)
            SELECT channel, generation, lane, owner, epoch, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::json, ?, ?
            FROM fence
            """;

    /** What somebody has deleted is done with too. */
    private static final String RESOLVED_NOW = """
            RETURNING ARRAY(
              SELECT seq FROM given o
              WHERE EXISTS (SELECT FROM outcome w WHERE w.seq = o.seq) OR NOT EXISTS (SELECT FROM parked p WHERE p.seq = o.seq))
            """;

    private static final String UNIQUE_VIOLATION = "23505";

    private final Connection connection;
    private final Lease lease;
    private final ChannelSettings.Parking limits;

    CheckpointStore(Connection connection, Lease lease, ChannelSettings.Parking limits) {
        this.connection = connection;
        this.lease = lease;
        this.limits = limits;
    }

    /** The newest checkpoint, or one with no 0 and everything still to do if there is none. */
    static Checkpoint load(Connection connection, LaneKey lane, Cluster here) throws SQLException {
        try (PreparedStatement load = connection.prepareStatement(LOAD)) {
            load.setString(1, lane.channel());
            load.setInt(2, lane.generation());
            load.setInt(3, lane.lane());
            try (ResultSet row = load.executeQuery()) {
                if (!row.next()) {
                    return new Checkpoint(0, Position.START, 0, 0, 0, here);
                }
                Cluster cluster = new Cluster(row.getLong(9), row.getInt(10), 0);
                return new Checkpoint(
                        row.getLong(1), position(row), row.getLong(6), row.getLong(7), row.getLong(8), cluster);
            }
        }
    }

    private static Position position(ResultSet row) throws SQLException {
        Snapshot published = Snapshot.parse(row.getString(2));
        String window = row.getString(3);
        if (window == null) {
            return Position.at(published);
        }
        // How many rows are left is not known any more; what is known is where they end.
        long pageSeq = row.getLong(5);
        Window.Bounds rest = new Window.Bounds(pageSeq + 1, row.getLong(4), Integer.MAX_VALUE);
        return new Position(published, new Window(Snapshot.parse(window), rest, Window.Bounds.NONE), pageSeq);
    }

    /**
     * Appends a checkpoint together with the messages it parks, with what has become of those parked before, and with how
     * far replays are, in one statement.
     *
     * @throws FencedException if the lane has another owner, and then nothing was written
     */
    Checkpoint append(Checkpoint previous, Position position, Progress progress) throws SQLException {
        List<Parking> parkings = progress.parkings();
        List<Parking> outcomes = progress.outcomes();
        Checkpoint next = new Checkpoint(
                previous.no() + 1,
                position,
                previous.published() + progress.published(),
                previous.parked() + parkings.size(),
                previous.orderExceptions() + progress.orderExceptions(),
                previous.cluster());
        try (PreparedStatement append = connection.prepareStatement(statement(progress))) {
            int at = bindFence(append);
            if (!parkings.isEmpty() || !outcomes.isEmpty()) {
                at = bindLimits(append, at);
            }
            if (!parkings.isEmpty()) {
                at = bindParkings(append, at, parkings);
            }
            if (!outcomes.isEmpty()) {
                at = bindParkings(append, at, outcomes);
                append.setString(at++, progress.offsetsJson());
            }
            if (!progress.replays().isEmpty()) {
                at = bindReplays(append, at, progress.replays());
            }
            bindCheckpoint(append, at, next, progress);
            append.execute();
            if (outcomes.isEmpty() ? append.getUpdateCount() != 1 : !readOutcomes(append, progress)) {
                throw fenced(next);
            }
        } catch (SQLException e) {
            if (UNIQUE_VIOLATION.equals(e.getSQLState())
                    && String.valueOf(e.getMessage()).contains("checkpoint_pk")) {
                throw fenced(next);
            }
            throw e;
        }
        return next;
    }

    /** Whether the checkpoint was written; what an operator's transaction kept from being resolved is told to the progress. */
    private static boolean readOutcomes(PreparedStatement append, Progress progress) throws SQLException {
        try (ResultSet row = append.getResultSet()) {
            if (!row.next()) {
                return false;
            }
            progress.resolved(new HashSet<>(List.of((Long[]) row.getArray(1).getArray())));
            return true;
        }
    }

    private static String statement(Progress progress) {
        boolean parking = !progress.parkings().isEmpty();
        boolean resolving = !progress.outcomes().isEmpty();
        return FENCE
                + (parking || resolving ? LIMITS : "")
                + (parking ? PARK : "")
                + (resolving ? RESOLVE : "")
                + (progress.replays().isEmpty() ? "" : REPLAY)
                + APPEND
                + (resolving ? RESOLVED_NOW : "");
    }

    private FencedException fenced(Checkpoint next) {
        return new FencedException("Lane has another owner: lane=" + lease.lane() + ", epoch=" + lease.epoch()
                + ", checkpoint=" + next.no() + "; nothing was written, this relay leaves the lane");
    }

    private int bindFence(PreparedStatement append) throws SQLException {
        append.setString(1, lease.lane().channel());
        append.setInt(2, lease.lane().generation());
        append.setInt(3, lease.lane().lane());
        append.setString(4, lease.owner());
        append.setLong(5, lease.epoch());
        return 6;
    }

    private int bindLimits(PreparedStatement append, int at) throws SQLException {
        append.setInt(at, limits.attemptsMax());
        append.setLong(at + 1, limits.backoff().toMillis());
        append.setLong(at + 2, limits.backoffMax().toMillis());
        return at + 3;
    }

    private int bindParkings(PreparedStatement append, int at, List<Parking> parkings) throws SQLException {
        append.setArray(at, column("bigint", parkings, Parking::seq));
        append.setArray(
                at + 1, column("text", parkings, parking -> parking.state().name()));
        append.setArray(at + 2, column("text", parkings, Parking::reason));
        append.setArray(at + 3, failures(parkings, Failure::errorClass));
        append.setArray(at + 4, failures(parkings, Failure::error));
        append.setArray(at + 5, column("bigint", parkings, Parking::heldBy));
        return at + 6;
    }

    private int bindReplays(PreparedStatement append, int at, List<Replays.Step> steps) throws SQLException {
        append.setArray(at, column("uuid", steps, Replays.Step::replay));
        append.setArray(at + 1, column("bigint", steps, Replays.Step::seq));
        append.setArray(at + 2, column("int", steps, Replays.Step::published));
        append.setArray(at + 3, column("int", steps, Replays.Step::refused));
        append.setArray(at + 4, column("text", steps, Replays.Step::error));
        append.setArray(at + 5, column("boolean", steps, Replays.Step::finished));
        return at + 6;
    }

    private Array failures(List<Parking> parkings, Function<Failure, String> part) throws SQLException {
        return column("text", parkings, parking -> parking.failure() == null ? null : part.apply(parking.failure()));
    }

    private <T> Array column(String type, List<T> rows, Function<T, ?> part) throws SQLException {
        return connection.createArrayOf(type, rows.stream().map(part).toArray());
    }

    private static void bindCheckpoint(PreparedStatement append, int at, Checkpoint next, Progress progress)
            throws SQLException {
        Position position = next.position();
        Window window = position.window();
        append.setLong(at, next.no());
        append.setObject(at + 1, position.published().text(), Types.OTHER);
        if (window == null) {
            append.setNull(at + 2, Types.OTHER);
            append.setNull(at + 3, Types.BIGINT);
            append.setNull(at + 4, Types.BIGINT);
        } else {
            append.setObject(at + 2, window.snapshot().text(), Types.OTHER);
            append.setLong(at + 3, window.high());
            append.setLong(at + 4, position.pageSeq());
        }
        append.setLong(at + 5, next.published());
        append.setLong(at + 6, next.parked());
        append.setLong(at + 7, next.orderExceptions());
        if (!progress.hasMessages()) {
            append.setNull(at + 8, Types.BIGINT);
            append.setNull(at + 9, Types.BIGINT);
        } else {
            append.setLong(at + 8, progress.firstSeq());
            append.setLong(at + 9, progress.lastSeq());
        }
        append.setString(at + 10, progress.offsetsJson());
        append.setLong(at + 11, next.cluster().systemIdentifier());
        append.setInt(at + 12, next.cluster().timeline());
    }
}
