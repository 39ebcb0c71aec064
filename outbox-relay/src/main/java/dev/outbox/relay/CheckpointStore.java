package dev.outbox.relay;

import dev.outbox.relay.broker.Failure;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
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

    private static final String PARK = """
            , parking AS MATERIALIZED (
              SELECT *
              FROM unnest(?::bigint[], ?::text[], ?::text[], ?::text[], ?::text[], ?::bigint[])
                AS p (seq, state, reason, error_class, error, held_by)
            ), parked_now AS (
              INSERT INTO parked (seq, id, channel, topic, key, type, version, occurred_at, correlation_id, causation_id,
                source, headers, payload, body, content_type, generation, lane, state, reason, attempts,
                first_error_class, first_error, last_error_class, last_error, held_by)
              SELECT m.seq, m.id, m.channel, m.topic, m.key, m.type, m.version, m.occurred_at, m.correlation_id,
                m.causation_id, m.source, m.headers, m.payload, m.body, m.content_type, f.generation, f.lane, p.state,
                p.reason, CASE WHEN p.error IS NULL THEN 0 ELSE 1 END,
                p.error_class, p.error, p.error_class, p.error, p.held_by
              FROM fence f
              CROSS JOIN parking p
              JOIN message m ON m.seq = p.seq
            ), attempted AS (
              INSERT INTO attempt (seq, no, relay, error_class, error)
              SELECT p.seq, 1, f.owner, p.error_class, p.error
              FROM fence f
              CROSS JOIN parking p
              WHERE p.error IS NOT NULL
            )""";

    private static final String APPEND = """

            INSERT INTO checkpoint (channel, generation, lane, relay, epoch, no, snapshot, window_snapshot, window_end,
              page_seq, published, parked, order_exceptions, first_seq, last_seq, broker_positions, system_identifier,
              timeline)
            SELECT channel, generation, lane, owner, epoch, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::json, ?, ?
            FROM fence
            """;

    private static final String UNIQUE_VIOLATION = "23505";

    private final Connection connection;
    private final Lease lease;

    CheckpointStore(Connection connection, Lease lease) {
        this.connection = connection;
        this.lease = lease;
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
     * Appends a checkpoint together with the messages it parks, in one statement.
     *
     * @throws FencedException if the lane has another owner, and then nothing was written
     */
    Checkpoint append(Checkpoint previous, Position position, Progress progress) throws SQLException {
        List<Parking> parkings = progress.parkings();
        Checkpoint next = new Checkpoint(
                previous.no() + 1,
                position,
                previous.published() + progress.published(),
                previous.parked() + parkings.size(),
                previous.orderExceptions() + progress.orderExceptions(),
                previous.cluster());
        try (PreparedStatement append =
                connection.prepareStatement(FENCE + (parkings.isEmpty() ? "" : PARK) + APPEND)) {
            int at = bindFence(append);
            if (!parkings.isEmpty()) {
                at = bindParkings(append, at, parkings);
            }
            bindCheckpoint(append, at, next, progress);
            if (append.executeUpdate() != 1) {
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

    private int bindParkings(PreparedStatement append, int at, List<Parking> parkings) throws SQLException {
        append.setArray(at, column("bigint", parkings, Parking::seq));
        append.setArray(at + 1, column("text", parkings, Parking::state));
        append.setArray(at + 2, failures(parkings, failure -> failure.kind().name()));
        append.setArray(at + 3, failures(parkings, Failure::errorClass));
        append.setArray(at + 4, failures(parkings, Failure::error));
        append.setArray(at + 5, column("bigint", parkings, Parking::heldBy));
        return at + 6;
    }

    private Array failures(List<Parking> parkings, Function<Failure, String> part) throws SQLException {
        return column("text", parkings, parking -> parking.failure() == null ? null : part.apply(parking.failure()));
    }

    private Array column(String type, List<Parking> parkings, Function<Parking, ?> part) throws SQLException {
        return connection.createArrayOf(type, parkings.stream().map(part).toArray());
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
            append.setNull(at + 10, Types.VARCHAR);
        } else {
            append.setLong(at + 8, progress.firstSeq());
            append.setLong(at + 9, progress.lastSeq());
            append.setString(at + 10, progress.offsetsJson());
        }
        append.setLong(at + 11, next.cluster().systemIdentifier());
        append.setInt(at + 12, next.cluster().timeline());
    }
}
