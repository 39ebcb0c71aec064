package dev.outbox.relay.ops;

import dev.outbox.relay.RelayException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;

/**
 * The positions of all lanes in force, in the temporary table {@code rebase_position} of a transaction in which no relay
 * can take or move one.
 *
 * @param generations the generation in force of each channel
 * @param lanes how many lanes there are
 */
record Positions(Map<String, Integer> generations, int lanes) {

    /** A relay that turns the ring holds this for as long as it is connected. */
    private static final String LOCK_RING =
            "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.segments', 0))";

    /** Nobody takes, renews or gives back a lane, or writes a checkpoint, from here on. Reading goes on. */
    private static final String LOCK_LANES = "LOCK TABLE lane IN EXCLUSIVE MODE";

    private static final String LIVE = """
            SELECT owner, string_agg(channel || '/' || lane, ', ' ORDER BY channel, lane), max(lease_until)::text
            FROM lane
            WHERE lease_until > clock_timestamp()
            GROUP BY owner
            ORDER BY owner
            """;

    /** written_xid: the full id of the transaction that wrote the checkpoint in this cluster, of which xmin is 32 bits. */
    private static final String COLLECT = """
            CREATE TEMP TABLE rebase_position ON COMMIT DROP AS
            SELECT l.channel, l.generation, l.lane, l.lanes, l.paused_at, l.pause_reason, l.paused_by, c.no, c.snapshot,
              c.window_snapshot, c.made_at, n.xmax AS current_xmax,
              (n.xmax - mod(n.xmax - c.xmin32, 4294967296))::text::xid8 AS written_xid
            FROM lane l
            CROSS JOIN (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xmax) n
            LEFT JOIN LATERAL (
              SELECT *, c.xmin::text::bigint AS xmin32
              FROM checkpoint c
              WHERE c.channel = l.channel AND c.generation = l.generation AND c.lane = l.lane
              ORDER BY no DESC
              LIMIT 1
            ) c ON true
            WHERE l.generation = (SELECT max(generation) FROM lane g WHERE g.channel = l.channel)
            """;

    private static final String GENERATIONS = """
            SELECT channel, max(generation), count(*)
            FROM rebase_position
            GROUP BY channel
            """;

    /**
     * Locks the ring and the lanes and collects the positions.
     *
     * @throws RelayException if a relay is running
     */
    static Positions locked(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            boolean ring = locksRing(statement);
            statement.execute(LOCK_LANES);
            requireNoOwner(statement);
            if (!ring) {
                throw new RelayException("Rebase refused, nothing was changed: a relay is connected to this outbox and"
                        + " keeps its segments; stop all relays first");
            }
            statement.execute(COLLECT);
            Map<String, Integer> generations = new TreeMap<>();
            int lanes = 0;
            try (ResultSet rows = statement.executeQuery(GENERATIONS)) {
                while (rows.next()) {
                    generations.put(rows.getString(1), rows.getInt(2));
                    lanes += rows.getInt(3);
                }
            }
            return new Positions(generations, lanes);
        }
    }

    private static boolean locksRing(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery(LOCK_RING)) {
            row.next();
            return row.getBoolean(1);
        }
    }

    private static void requireNoOwner(Statement statement) throws SQLException {
        StringJoiner owners = new StringJoiner("; ");
        try (ResultSet rows = statement.executeQuery(LIVE)) {
            while (rows.next()) {
                owners.add("relay=" + rows.getString(1) + ", lanes=[" + rows.getString(2) + "], leaseUntil="
                        + rows.getString(3));
            }
        }
        if (owners.length() > 0) {
            throw new RelayException("Rebase refused, nothing was changed: relays hold lanes: " + owners
                    + "; stop them first (the lease of a dead or restored one runs out by itself)");
        }
    }
}
