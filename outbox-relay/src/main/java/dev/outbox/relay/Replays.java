package dev.outbox.relay;

import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A lane's share of the replays that operators asked for: messages that are published and still in the ring go out once more,
 * in the order of seq, no faster than asked. One replay at a time, and one page of it. Used by the lane's thread.
 *
 * <p>A replayed message that the broker refuses is counted and left: it was published before. When the topic is missing the replay
 * has failed.
 */
final class Replays {

    private static final Duration LOOK_INTERVAL = Duration.ofSeconds(1);

    /** So much of a second's allowance goes out at once. */
    private static final int PAGES_PER_SECOND = 5;

    /** How far a page walks at most. */
    private static final long WALK_MAX = 1_000_000;

    private static final String NEXT = """
            SELECT r.id::text, r.to_topic, r.rate, r.last_seq, coalesce(l.seq, r.first_seq - 1)
            FROM replay r
            LEFT JOIN replay_lane l ON l.replay = r.id AND l.generation = ? AND l.lane = ?
            WHERE r.channel = ? AND r.state = 'RUNNING' AND l.finished_at IS NULL
            ORDER BY r.requested_at
            LIMIT 1
            """;

    /** Every lane ends the replays that all have finished: who was the last may have died before it could. */
    private static final String FINISH = """
            UPDATE replay r
            SET state = 'DONE', finished_at = clock_timestamp()
            WHERE channel = ? AND state = 'RUNNING'
              AND ? = (SELECT count(*) FROM replay_lane l
                       WHERE l.replay = r.id AND l.generation = ? AND l.finished_at IS NOT NULL)
            """;

    private static final String FAIL = """
            UPDATE replay
            SET state = 'FAILED', finished_at = clock_timestamp(), error = ?
            WHERE id = ?::uuid AND state = 'RUNNING'
              AND EXISTS (
                SELECT FROM lane WHERE channel = ? AND generation = ? AND lane = ? AND owner = ? AND epoch = ?)
            """;

    private static final String IS_RUNNING = "SELECT state = 'RUNNING' FROM replay WHERE id = ?::uuid";

    /** What a position covers is published, unless it is parked. */
    static final String PAGE = """
            SELECT {columns}
            FROM (
              SELECT m.*
              FROM replay r
              CROSS JOIN LATERAL (
                SELECT *
                FROM message
                WHERE seq > ? AND seq <= ?
                  AND channel = r.channel {lane}
                  AND (r.ids IS NULL OR message.id = ANY (r.ids))
                  AND (r.topic IS NULL OR message.topic = r.topic)
                  AND (r.key IS NULL OR message.key = r.key)
                  AND (r.type IS NULL OR message.type = r.type)
                  AND (r.since IS NULL OR occurred_at >= r.since)
                  AND (r.until IS NULL OR occurred_at < r.until)
                  AND (pg_visible_in_snapshot(xid, ?) OR (pg_visible_in_snapshot(xid, ?) AND seq <= ?))
                  AND NOT EXISTS (
                    SELECT FROM parked k
                    WHERE k.seq = message.seq AND (k.resolved_at IS NULL OR k.resolution LIKE 'discarded%'))
                ORDER BY seq
                LIMIT ?
              ) m
              WHERE r.id = ?::uuid
            ) m
            ORDER BY seq
            """;

    private final Connection connection;
    private final Lease lease;
    private final LaneKey lane;
    private final RelayListener listener;
    private final PageRows pageRows;
    private final MessageRow row = new MessageRow();

    private long lookAtNanos = System.nanoTime();
    private long sendAtNanos = System.nanoTime();
    private @Nullable Running running;
    private boolean out;

    /** What was done is not written yet: in the table it looks as if it were still to be done. */
    private boolean unwritten;

    /** A replay, and how far this lane is with it. */
    private record Running(String id, @Nullable String toTopic, int rate, long lastSeq, long seq) {
        Running at(long reached) {
            return new Running(id, toTopic, rate, lastSeq, reached);
        }
    }

    /**
     * What a lane has done of a replay, for {@code replay_lane}.
     *
     * @param seq up to here
     * @param published how many went out since the last step
     * @param refused how many the broker did not take since then
     * @param error the last refusal
     * @param finished whether nothing is left
     */
    record Step(
            String replay,
            long seq,
            int published,
            int refused,
            @Nullable String error,
            boolean finished) {}

    Replays(LaneLoop.Parts parts, int pageRowsCeiling) {
        this.connection = parts.connection();
        this.lease = parts.lease();
        this.lane = lease.lane();
        this.listener = parts.listener();
        this.pageRows = new PageRows(parts.channel(), pageRowsCeiling);
    }

    /** Whether {@link #next} may have something. */
    boolean due() {
        long now = System.nanoTime();
        return !out && (running == null ? !unwritten && now - lookAtNanos >= 0 : now - sendAtNanos >= 0);
    }

    /**
     * The next page, or null when there is none now.
     *
     * @param done what is published for sure
     * @param after the position that the page leaves the lane at
     * @param progress takes what there is to write of a stretch without messages
     */
    @Nullable
    Page next(Position done, Position after, Progress progress) throws SQLException {
        if (System.nanoTime() - lookAtNanos >= 0) {
            look();
        }
        Running replay = running;
        if (replay == null) {
            return null;
        }
        long to = Math.min(replay.lastSeq, replay.seq + WALK_MAX);
        int rate = Math.max(1, replay.rate / lane.lanes());
        int rows = Math.min(pageRows.next(), Math.max(1, rate / PAGES_PER_SECOND));
        List<Message> messages = read(replay, to, rows, done);
        boolean full = messages.size() == rows;
        long reached = full ? messages.get(rows - 1).seq() : to;
        Page page = new Page(Page.Source.REPLAY, messages, after);
        pageRows.adapt(page, rows);
        sendAtNanos = System.nanoTime() + messages.size() * TimeUnit.SECONDS.toNanos(1) / rate;
        running = replay.at(reached);
        if (messages.isEmpty()) {
            progress.add(step(List.of(), 0, false));
            endIfThrough();
            return null;
        }
        out = true;
        return page;
    }

    /** Takes up the oldest replay that this lane has not finished, or goes on with the one that still runs. */
    private void look() throws SQLException {
        lookAtNanos = System.nanoTime() + LOOK_INTERVAL.toNanos();
        if (running != null) {
            if (!isRunning(running.id)) {
                running = null; // an operator cancelled it
            }
            return;
        }
        try (PreparedStatement finish = connection.prepareStatement(FINISH);
                PreparedStatement next = connection.prepareStatement(NEXT)) {
            finish.setString(1, lane.channel());
            finish.setInt(2, lane.lanes());
            finish.setInt(3, lane.generation());
            finish.executeUpdate();
            next.setInt(1, lane.generation());
            next.setInt(2, lane.lane());
            next.setString(3, lane.channel());
            try (ResultSet found = next.executeQuery()) {
                if (found.next()) {
                    running = new Running(
                            found.getString(1),
                            found.getString(2),
                            found.getInt(3),
                            found.getLong(4),
                            found.getLong(5));
                }
            }
        }
    }

    private boolean isRunning(String id) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(IS_RUNNING)) {
            statement.setString(1, id);
            try (ResultSet found = statement.executeQuery()) {
                return found.next() && found.getBoolean(1);
            }
        }
    }

    private List<Message> read(Running replay, long to, int rows, Position done) throws SQLException {
        Window window = done.window();
        Snapshot covered = window == null ? done.published() : window.snapshot();
        List<Message> messages = new ArrayList<>();
        try (PreparedStatement page = connection.prepareStatement(WindowReader.forLane(PAGE, lane))) {
            page.setLong(1, replay.seq);
            page.setLong(2, to);
            WindowReader.setUntyped(page, 3, done.published().text());
            WindowReader.setUntyped(page, 4, covered.text());
            page.setLong(5, window == null ? Long.MAX_VALUE : done.pageSeq());
            page.setInt(6, rows);
            page.setString(7, replay.id);
            try (ResultSet found = page.executeQuery()) {
                while (found.next()) {
                    Message message = row.read(found);
                    messages.add(
                            message.replayed(replay.id, replay.toTopic == null ? message.topic() : replay.toTopic));
                }
            }
        }
        return messages;
    }

    /** Everything of the page is accepted or left. */
    void settled(InFlightPage page, Progress progress) throws SQLException {
        out = false;
        List<Failure> left = page.left();
        Optional<Failure> missing = left.stream()
                .filter(failure -> failure.kind() == Failure.Kind.TOPIC)
                .findFirst();
        progress.add(step(left, page.size() - left.size(), missing.isPresent()));
        if (missing.isPresent()) {
            fail(missing.get());
        } else {
            endIfThrough();
        }
    }

    /** A checkpoint was written, with all steps so far. */
    void written() {
        unwritten = false;
    }

    private Step step(List<Failure> left, int published, boolean failed) {
        unwritten = true;
        Running replay = Objects.requireNonNull(running);
        boolean finished = !failed && replay.seq >= replay.lastSeq;
        String error = left.isEmpty()
                ? null
                : left.get(left.size() - 1).errorClass() + ": "
                        + left.get(left.size() - 1).error();
        return new Step(replay.id, replay.seq, published, left.size(), error, finished);
    }

    private void endIfThrough() {
        Running replay = running;
        if (replay != null && replay.seq >= replay.lastSeq) {
            running = null;
            lookAtNanos = System.nanoTime();
            listener.replayed(lane, replay.id);
        }
    }

    private void fail(Failure failure) throws SQLException {
        String id = Objects.requireNonNull(running).id;
        running = null;
        try (PreparedStatement fail = connection.prepareStatement(FAIL)) {
            fail.setString(1, failure.errorClass() + ": " + failure.error());
            fail.setString(2, id);
            fail.setString(3, lane.channel());
            fail.setInt(4, lane.generation());
            fail.setInt(5, lane.lane());
            fail.setString(6, lease.owner());
            fail.setLong(7, lease.epoch());
            fail.executeUpdate();
        }
        listener.replayFailed(lane, id, failure);
    }
}
