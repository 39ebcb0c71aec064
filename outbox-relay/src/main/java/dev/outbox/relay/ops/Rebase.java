package dev.outbox.relay.ops;

import dev.outbox.relay.Database;
import dev.outbox.relay.RelayException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a saved position mean something again in a database that was restored, copied or upgraded.
 *
 * <p>A lane's position is a snapshot of transaction ids, and those mean nothing outside the cluster that gave them out. A
 * relay that finds a position of another cluster stops ({@link dev.outbox.relay.ForeignPositionException}). This operation
 * appends the messages that may not have been published a second time, under new transaction ids and the same message
 * ids, throws the others away, and has every channel begin anew before them. Messages may be published twice by that,
 * which an inbox makes harmless; none is lost. Parked messages stay as they are, and so do the keys they hold.
 *
 * <p>After pg_upgrade, which keeps transaction ids, {@link Request#keepingPosition} goes on from the old position and
 * publishes nothing twice.
 *
 * <pre>{@code
 * Rebase.Result result = Rebase.run(database, Rebase.Request.of("restored the dump of Monday").asDryRun());
 * }</pre>
 *
 * <p>One transaction, on a connection of its own. All relays must be stopped, and writers wait until it is through; the
 * rows are moved inside the database, so memory does not grow with them. Needs the owner of the tables.
 */
public final class Rebase {

    /** Settings of the role must neither end a long copy nor hide rows from it. */
    private static final String PREPARE = """
            SET LOCAL lock_timeout = '10s';
            SET LOCAL statement_timeout = 0;
            SET LOCAL idle_in_transaction_session_timeout = 0;
            SET LOCAL row_security = off
            """;

    private static final String AUDIT = """
            SELECT write_audit('rebase', ?, jsonb_build_object('keep_position', ?::boolean, 'since', ?::text), ?, ?)
            """;

    private static final String LOCK_TIMEOUT_STATE = "55P03";
    private static final int REASON_LENGTH_MAX = 2000;
    private static final Logger log = LoggerFactory.getLogger(Rebase.class);

    /**
     * What is asked for.
     *
     * @param keepPosition to go on from the saved position, for databases whose transaction ids were kept
     * @param since messages from here on are published again; empty for an hour before the last checkpoint of their
     *     channel; {@link #ALL} for all there are. What is not published is kept in any case
     * @param dryRun to count and change nothing
     * @param reason why, for those who look later
     */
    public record Request(boolean keepPosition, Optional<Instant> since, boolean dryRun, String reason) {

        /** Publishes everything again that is still there. */
        public static final Instant ALL = Instant.MIN;

        /** Checks that there is a reason. */
        public Request {
            if (reason.isBlank() || reason.length() > REASON_LENGTH_MAX) {
                throw new IllegalArgumentException("Reason is not valid: length=" + reason.length() + "; give 1 to "
                        + REASON_LENGTH_MAX + " characters");
            }
            if (keepPosition && since.isPresent()) {
                throw new IllegalArgumentException(
                        "A kept position publishes nothing again: leave out either the position or the time");
            }
        }

        /** Publishes again what happened since an hour before the last checkpoint. */
        public static Request of(String reason) {
            return new Request(false, Optional.empty(), false, reason);
        }

        /** Publishes again what happened since then. */
        public Request publishingSince(Instant since) {
            return new Request(keepPosition, Optional.of(since), dryRun, reason);
        }

        /** Goes on from the saved position. */
        public Request keepingPosition() {
            return new Request(true, since, dryRun, reason);
        }

        /** Counts and changes nothing. */
        public Request asDryRun() {
            return new Request(keepPosition, since, true, reason);
        }
    }

    /** What becomes of a message, and why that loses nothing. */
    public enum Fate {
        /** Not visible in the saved position of some lane of its channel. */
        UNPUBLISHED(true, "not published as far as the saved position tells"),
        /** Its transaction ran here after the position arrived, so the position says nothing about it. */
        WRITTEN_HERE(true, "written after the position was saved or restored"),
        /** Published, maybe; so recent that the position may not tell the truth. */
        RECENT(true, "recent, may have been published before"),
        /** No relay has served its channel yet. */
        NO_LANES(true, "of a channel that no relay has served"),
        /** A full copy is among the parked messages. */
        PARKED(false, "parked: a full copy is kept there"),
        /** Published according to a position that was saved long after it happened. */
        PUBLISHED(false, "published before the saved position");

        private final boolean kept;
        private final String why;

        Fate(boolean kept, String why) {
            this.kept = kept;
            this.why = why;
        }

        /** Whether it is appended again, and so published (again). */
        public boolean kept() {
            return kept;
        }

        /** The reason, for people. */
        public String why() {
            return why;
        }
    }

    /**
     * What was done, or would be.
     *
     * @param request what was asked for
     * @param messages how many messages met each fate; empty if the position was kept
     * @param generations of each channel, the generation in force afterwards
     * @param lanes how many lanes have a new first checkpoint, or a new one at the same position
     */
    public record Result(Request request, Map<Fate, Long> messages, Map<String, Integer> generations, int lanes) {

        /** Copies the collections. */
        public Result {
            messages = Map.copyOf(messages);
            generations = Map.copyOf(generations);
        }

        /** How many messages were appended again. */
        public long kept() {
            return messages.entrySet().stream()
                    .filter(entry -> entry.getKey().kept())
                    .mapToLong(Map.Entry::getValue)
                    .sum();
        }

        /** How many messages were thrown away. */
        public long dropped() {
            return messages.values().stream().mapToLong(Long::longValue).sum() - kept();
        }
    }

    private Rebase() {}

    private static void audit(Connection connection, Result result) throws SQLException {
        try (PreparedStatement audit = connection.prepareStatement(AUDIT)) {
            audit.setString(1, result.request().reason());
            audit.setBoolean(2, result.request().keepPosition());
            audit.setString(3, result.request().since().map(Instant::toString).orElse(null));
            audit.setLong(4, result.kept() + result.dropped());
            audit.setLong(5, result.kept());
            audit.execute();
        }
    }

    /**
     * Does it, or counts what it would do.
     *
     * @throws RelayException if a relay is running, if the tables stay in use by another transaction, if a position
     *     cannot be kept, or if the database refuses; nothing was changed then
     */
    public static Result run(Database database, Request request) {
        try (Connection connection = OperatorConnection.open(database, "outbox rebase")) {
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.execute(PREPARE);
                Positions positions = Positions.locked(connection);
                Result result = request.keepPosition()
                        ? new KeptPosition(connection, positions).run(request)
                        : new MovedMessages(connection, positions).run(request);
                if (request.dryRun()) {
                    connection.rollback();
                } else {
                    audit(connection, result);
                    connection.commit();
                    log.info(
                            "Outbox was rebased: keepPosition={}, messagesKept={}, messagesDropped={}, generations={}, lanes={}, reason={}",
                            request.keepPosition(),
                            result.kept(),
                            result.dropped(),
                            result.generations(),
                            result.lanes(),
                            request.reason());
                }
                return result;
            }
        } catch (SQLException e) {
            if (LOCK_TIMEOUT_STATE.equals(e.getSQLState())) {
                throw new RelayException(
                        "Rebase gave up, nothing was changed: another transaction has used the outbox's tables for 10 s;"
                                + " end it (pg_stat_activity tells which) and try again",
                        e);
            }
            throw new RelayException("Rebase failed, nothing was changed: database=" + database.url(), e);
        }
    }
}
