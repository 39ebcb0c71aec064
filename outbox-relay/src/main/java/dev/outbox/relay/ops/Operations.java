package dev.outbox.relay.ops;

import dev.outbox.relay.Database;
import dev.outbox.relay.RelayException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What operators do to an outbox while it runs. Each method calls the function of the same name, or reads the view, so that
 * whoever has only {@code psql} gets the same answers.
 *
 * <pre>{@code
 * Operations operations = Operations.of(database, "mary@console");
 * Operations.Change change = operations.retry(ParkedFilter.of(id), Operations.Intent.because("the schema is mended"), 1);
 * }</pre>
 *
 * <p>An operation is one statement on a connection of its own. Whatever changes something needs a reason, writes a row of
 * {@code audit}, and as a dry run only counts. Thread-safe.
 */
public final class Operations {

    /** How long the name of an actor may be. */
    public static final int ACTOR_BYTES_MAX = 255;

    /** How many rows may be asked for at once. */
    public static final int ROWS_MAX = 10_000;

    /** How many messages may be changed at once. */
    public static final int CHANGES_MAX = 100_000;

    private static final int REASON_BYTES_MAX = 2000;

    private static final String STATUS = "SELECT * FROM status ORDER BY channel, lane";
    private static final String LAG = "SELECT * FROM lag ORDER BY channel, lane";
    private static final String HELD_KEYS = "SELECT * FROM held_keys ORDER BY since, head_seq LIMIT ?";
    private static final String REPLAYS = "SELECT * FROM replays ORDER BY requested_at DESC LIMIT ?";
    private static final String MESSAGE_STATUS = "SELECT * FROM message_status(?)";
    private static final String WHY_STUCK = "SELECT why_stuck(?) AS text";
    private static final String ATTEMPTS = "SELECT * FROM attempts(?)";

    private static final String SHOW_MESSAGE = """
            SELECT id, seq, channel, topic, key, type, version, occurred_at, correlation_id, causation_id, source, headers,
              payload, replace(encode(body, 'base64'), E'\\n', '') AS body, content_type
            FROM show_message(?)
            """;

    private static final String FIND_MESSAGES = """
            SELECT *
            FROM find_messages(channel => ?::text, topic => ?::text, key => ?::text, type => ?::text,
              since => ?::timestamptz, until => ?::timestamptz, before_seq => ?::bigint, max_rows => ?)
            """;

    /** Columns are named, since not everybody may read the content. */
    private static final String PARKED = """
            SELECT p.seq, p.id, p.state, p.reason, p.channel, p.lane, p.topic, p.key, p.type, p.version, p.occurred_at,
              p.attempts, p.next_attempt_at, p.last_error_class, p.last_error, p.held_by, p.parked_at, p.resolved_at,
              p.resolution, p.resolved_by
            FROM parked p
            CROSS JOIN (
              SELECT ?::uuid[] AS ids, ?::text AS channel, ?::text AS topic, ?::text AS key, ?::text AS type,
                ?::text AS error_class, ?::text AS state, ?::boolean AS resolved
            ) f
            WHERE (f.resolved OR f.state = 'RESOLVED' OR p.resolved_at IS NULL)
              AND (f.ids IS NULL OR p.id = ANY (f.ids))
              AND (f.channel IS NULL OR p.channel = f.channel)
              AND (f.topic IS NULL OR p.topic = f.topic)
              AND (f.key IS NULL OR p.key = f.key)
              AND (f.type IS NULL OR p.type = f.type)
              AND (f.error_class IS NULL OR p.last_error_class = f.error_class)
              AND (f.state IS NULL OR p.state = f.state)
            ORDER BY p.seq
            LIMIT ?
            """;

    private static final String RETRY = """
            SELECT *
            FROM retry(ids => ?::uuid[], channel => ?::text, topic => ?::text, key => ?::text, type => ?::text,
              error_class => ?::text, all_parked => ?, reason => ?, dry_run => ?, max_rows => ?)
            """;

    private static final String DISCARD = """
            SELECT *
            FROM discard(ids => ?::uuid[], channel => ?::text, topic => ?::text, key => ?::text, type => ?::text,
              error_class => ?::text, all_parked => ?, reason => ?, dry_run => ?, max_rows => ?, state => ?::text)
            """;

    private static final String REPLAY = """
            SELECT *
            FROM replay(ids => ?::uuid[], channel => ?, topic => ?::text, key => ?::text, type => ?::text,
              since => ?::timestamptz, until => ?::timestamptz, all_messages => ?, to_topic => ?::text, rate => ?,
              reason => ?, dry_run => ?)
            """;

    private static final String CANCEL_REPLAY =
            "SELECT * FROM cancel_replay(replay_id => ?, reason => ?, dry_run => ?)";

    private static final String PAUSE =
            "SELECT * FROM pause(channel => ?, lane => ?::integer, reason => ?, dry_run => ?)";

    private static final String RESUME =
            "SELECT * FROM resume(channel => ?, lane => ?::integer, reason => ?, dry_run => ?)";

    private static final String ROTATE = "SELECT * FROM rotate(reason => ?, dry_run => ?)";

    private static final String SET_ACTOR = "SELECT set_config('outbox.actor', ?, false) AS text";

    private final Database database;
    private final String actor;

    /**
     * How something is to be changed.
     *
     * @param reason why, for those who look later
     * @param dryRun to count and change nothing
     */
    public record Intent(String reason, boolean dryRun) {

        /** Checks that there is a reason. */
        public Intent {
            int bytes = reason.getBytes(StandardCharsets.UTF_8).length;
            if (reason.isBlank() || bytes > REASON_BYTES_MAX) {
                throw new IllegalArgumentException("Reason is not valid: bytes=" + bytes + "; give 1 to "
                        + REASON_BYTES_MAX + " bytes, not blank");
            }
        }

        /** To be done. */
        public static Intent because(String reason) {
            return new Intent(reason, false);
        }

        /** To be counted only. */
        public Intent asDryRun() {
            return new Intent(reason, true);
        }
    }

    /**
     * What an operation did, or would do.
     *
     * @param matched how many messages or lanes fit what was asked for
     * @param changed how many are different now; nothing in a dry run
     */
    public record Change(long matched, long changed) {}

    /**
     * A replay that was asked for.
     *
     * @param replayId its id; null in a dry run
     * @param matched how many messages it is about
     */
    public record ReplayStarted(@Nullable UUID replayId, long matched) {}

    /** From which segment of the ring to which writers have been moved. */
    public record Rotation(int fromSegment, int toSegment) {}

    private record Text(@Nullable String text) {}

    private Operations(Database database, String actor) {
        this.database = database;
        this.actor = actor;
    }

    /**
     * Operations on an outbox.
     *
     * @param actor who asks for them, written into {@code audit} beside the role; a name and where it is from
     */
    public static Operations of(Database database, String actor) {
        int bytes = actor.getBytes(StandardCharsets.UTF_8).length;
        if (actor.isBlank() || bytes > ACTOR_BYTES_MAX) {
            throw new IllegalArgumentException(
                    "Actor is not valid: bytes=" + bytes + "; give 1 to " + ACTOR_BYTES_MAX + " bytes, not blank");
        }
        return new Operations(database, actor);
    }

    /** Every lane, and channels that have messages and no lanes. */
    public List<LaneStatus> status() {
        return read("status", LaneStatus.class, STATUS);
    }

    /** How far each lane is behind. */
    public List<LaneLag> lag() {
        return read("lag", LaneLag.class, LAG);
    }

    /** Topics and keys that are held, the longest held first. */
    public List<HeldKey> heldKeys(int rowsMax) {
        return read("held keys", HeldKey.class, HELD_KEYS, rowsMax);
    }

    /** Parked messages in the order of their seq; with {@code filter.all} those that were resolved too. */
    public List<ParkedMessage> parked(ParkedFilter filter, int rowsMax) {
        Match match = filter.match();
        return read(
                "parked",
                ParkedMessage.class,
                PARKED,
                filter.ids(),
                match.channel(),
                match.topic(),
                match.key(),
                match.type(),
                filter.errorClass(),
                filter.state(),
                filter.all(),
                rowsMax);
    }

    /**
     * Messages that are still in the ring, the newest first.
     *
     * @param beforeSeq only those with a lower seq, for the next page
     */
    public List<FoundMessage> findMessages(
            Match match, @Nullable Instant since, @Nullable Instant until, @Nullable Long beforeSeq, int rowsMax) {
        return read(
                "messages",
                FoundMessage.class,
                FIND_MESSAGES,
                match.channel(),
                match.topic(),
                match.key(),
                match.type(),
                since,
                until,
                beforeSeq,
                rowsMax);
    }

    /** What became of a message. */
    public MessageStatus messageStatus(UUID id) {
        return only(read("show", MessageStatus.class, MESSAGE_STATUS, id));
    }

    /**
     * A message with its content. Needs the right to read content.
     *
     * @throws OperationRefusedException if it is neither in the ring nor parked
     */
    public StoredMessage showMessage(UUID id) {
        return only(read("show", StoredMessage.class, SHOW_MESSAGE, id));
    }

    /**
     * The failed attempts to publish a message, the latest first.
     *
     * @throws OperationRefusedException if there is no such message
     */
    public List<FailedAttempt> attempts(UUID id) {
        return read("attempts", FailedAttempt.class, ATTEMPTS, id);
    }

    /** Why a message is where it is, in words. */
    public String whyStuck(UUID id) {
        String text = only(read("why", Text.class, WHY_STUCK, id)).text();
        if (text == null) {
            throw new RelayException("Database gives no answer: function=why_stuck, id=" + id);
        }
        return text;
    }

    /** Replays, the latest first. */
    public List<ReplayProgress> replays(int rowsMax) {
        return read("replays", ReplayProgress.class, REPLAYS, rowsMax);
    }

    /**
     * Has the owners of the lanes try parked messages again, now.
     *
     * @param rowsMax more than so many are refused
     * @throws OperationRefusedException if nothing matches, or not all that match can be retried
     */
    public Change retry(ParkedFilter filter, Intent intent, int rowsMax) {
        Match match = filter.match();
        return change(
                "retry",
                Change.class,
                RETRY,
                filter.ids(),
                match.channel(),
                match.topic(),
                match.key(),
                match.type(),
                filter.errorClass(),
                filter.all(),
                intent.reason(),
                intent.dryRun(),
                rowsMax);
    }

    /**
     * Gives parked messages up: they will not be published, and what waits behind them is.
     *
     * @param rowsMax more than so many are refused
     * @throws OperationRefusedException if nothing matches, or not all that match are parked
     */
    public Change discard(ParkedFilter filter, Intent intent, int rowsMax) {
        Match match = filter.match();
        return change(
                "discard",
                Change.class,
                DISCARD,
                filter.ids(),
                match.channel(),
                match.topic(),
                match.key(),
                match.type(),
                filter.errorClass(),
                filter.all(),
                intent.reason(),
                intent.dryRun(),
                rowsMax,
                filter.state());
    }

    /**
     * Has the owners of the lanes publish messages once more that are still in the ring.
     *
     * @throws OperationRefusedException if nothing matches
     */
    public ReplayStarted replay(ReplayRequest request, Intent intent) {
        Match match = request.match();
        return change(
                "replay",
                ReplayStarted.class,
                REPLAY,
                request.ids(),
                request.channel(),
                match.topic(),
                match.key(),
                match.type(),
                request.since(),
                request.until(),
                request.all(),
                request.toTopic(),
                request.rate(),
                intent.reason(),
                intent.dryRun());
    }

    /** Ends a replay; what it has published stays published. */
    public Change cancelReplay(UUID replay, Intent intent) {
        return change("cancel-replay", Change.class, CANCEL_REPLAY, replay, intent.reason(), intent.dryRun());
    }

    /**
     * Has nobody publish a channel, or one of its lanes, until it is resumed. Services go on appending.
     *
     * @param lane null for all of them
     */
    public Change pause(String channel, @Nullable Integer lane, Intent intent) {
        return change("pause", Change.class, PAUSE, channel, lane, intent.reason(), intent.dryRun());
    }

    /** The opposite of {@link #pause}. */
    public Change resume(String channel, @Nullable Integer lane, Intent intent) {
        return change("resume", Change.class, RESUME, channel, lane, intent.reason(), intent.dryRun());
    }

    /**
     * Has writers use the next segment of the ring from now on.
     *
     * @throws OperationRefusedException if the next segment is not empty yet
     */
    public Rotation rotate(Intent intent) {
        return change("rotate", Rotation.class, ROTATE, intent.reason(), intent.dryRun());
    }

    private <R extends Record> List<R> read(
            String operation, Class<R> type, String sql, @Nullable Object... parameters) {
        try (Connection connection = OperatorConnection.open(database, "outbox " + operation)) {
            return RowReader.of(type).query(connection, sql, parameters);
        } catch (SQLException e) {
            throw SqlFailures.of(operation, database, e);
        }
    }

    private <R extends Record> R change(String operation, Class<R> type, String sql, @Nullable Object... parameters) {
        try (Connection connection = OperatorConnection.open(database, "outbox " + operation)) {
            RowReader.of(Text.class).query(connection, SET_ACTOR, actor);
            return only(RowReader.of(type).query(connection, sql, parameters));
        } catch (SQLException e) {
            throw SqlFailures.of(operation, database, e);
        }
    }

    private static <R> R only(List<R> rows) {
        if (rows.size() != 1) {
            throw new RelayException("Database gives an answer that is not understood: rows=" + rows.size()
                    + ", expected=1; the schema may be newer than this program");
        }
        return rows.get(0);
    }
}
