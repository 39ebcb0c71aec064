package dev.outbox.relay;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** The statements by which relays share lanes: all by the database's clock. On one connection, in autocommit mode. */
final class LaneLeases implements AutoCloseable {

    /** One at a time, so that two relays that differ in the number cannot mix their lanes. */
    private static final String LOCK_CREATION =
            "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.lane', 0))";

    private static final String CREATE = """
            INSERT INTO lane (channel, generation, lane, lanes)
            SELECT ?, 1, n, ?
            FROM generate_series(0, ? - 1) n
            WHERE NOT EXISTS (SELECT FROM lane WHERE channel = ?)
            """;

    private static final String COUNT = "SELECT lanes FROM lane WHERE channel = ? ORDER BY generation DESC LIMIT 1";

    private static final String SEEN = """
            INSERT INTO relay (id, version) VALUES (?, ?)
            ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp()
            """;

    private static final String ACQUIRE = """
            UPDATE lane
            SET owner = ?, epoch = epoch + 1, lease_until = clock_timestamp() + ? * interval '1 millisecond'
            WHERE (channel, generation, lane) IN (
              SELECT channel, generation, lane
              FROM lane l
              WHERE channel = ANY (?)
                AND generation = (SELECT max(generation) FROM lane g WHERE g.channel = l.channel)
                AND paused_at IS NULL
                AND (owner IS NULL OR lease_until < clock_timestamp())
              FOR UPDATE SKIP LOCKED)
            RETURNING channel, generation, lane, lanes, epoch
            """;

    private static final String RENEW = """
            UPDATE lane
            SET lease_until = clock_timestamp() + ? * interval '1 millisecond'
            WHERE channel = ? AND generation = ? AND lane = ? AND owner = ? AND epoch = ?
            RETURNING paused_at IS NOT NULL
            """;

    private static final String RELEASE = """
            UPDATE lane
            SET owner = NULL, lease_until = NULL
            WHERE channel = ? AND generation = ? AND lane = ? AND owner = ? AND epoch = ?
            """;

    private static final String LEAVE = "DELETE FROM relay WHERE id = ?";

    private final Connection connection;
    private final String relay;
    private final Duration length;

    LaneLeases(Connection connection, String relay, Duration length) {
        this.connection = connection;
        this.relay = relay;
        this.length = length;
    }

    /** Divides a channel that nobody has served yet into lanes; returns how many it has. */
    int createLanes(ChannelSettings channel) throws SQLException {
        connection.setAutoCommit(false);
        try (PreparedStatement lock = connection.prepareStatement(LOCK_CREATION);
                PreparedStatement create = connection.prepareStatement(CREATE)) {
            lock.execute();
            create.setString(1, channel.name());
            create.setInt(2, channel.lanes());
            create.setInt(3, channel.lanes());
            create.setString(4, channel.name());
            create.executeUpdate();
            connection.commit();
        } finally {
            connection.setAutoCommit(true);
        }
        try (PreparedStatement count = connection.prepareStatement(COUNT)) {
            count.setString(1, channel.name());
            try (ResultSet row = count.executeQuery()) {
                row.next();
                return row.getInt(1);
            }
        }
    }

    /** Tells the others that this relay is alive. */
    void seen(String version) throws SQLException {
        try (PreparedStatement seen = connection.prepareStatement(SEEN)) {
            seen.setString(1, relay);
            seen.setString(2, version);
            seen.executeUpdate();
        }
    }

    /** Takes every lane of these channels that has no owner, or one whose lease has run out. */
    List<Lease> acquire(Collection<String> channels) throws SQLException {
        long askedAt = System.nanoTime();
        List<Lease> acquired = new ArrayList<>();
        Array names = connection.createArrayOf("text", channels.toArray());
        try (PreparedStatement acquire = connection.prepareStatement(ACQUIRE)) {
            acquire.setString(1, relay);
            acquire.setLong(2, length.toMillis());
            acquire.setArray(3, names);
            try (ResultSet rows = acquire.executeQuery()) {
                while (rows.next()) {
                    LaneKey lane = new LaneKey(rows.getString(1), rows.getInt(2), rows.getInt(3), rows.getInt(4));
                    acquired.add(new Lease(lane, relay, rows.getLong(5), askedAt, length));
                }
            }
        }
        return acquired;
    }

    /** Prolongs a lease that is still ours; one that is not ends here. Returns whether the lane has been paused. */
    boolean renew(Lease lease) throws SQLException {
        long askedAt = System.nanoTime();
        try (PreparedStatement renew = connection.prepareStatement(RENEW)) {
            renew.setLong(1, length.toMillis());
            bind(renew, 2, lease);
            try (ResultSet row = renew.executeQuery()) {
                if (!row.next()) {
                    lease.end();
                    return false;
                }
                lease.renewed(askedAt, length);
                return row.getBoolean(1);
            }
        }
    }

    /** Gives a lane back, if it is still ours, so that another relay takes it at once. */
    void release(Lease lease) throws SQLException {
        try (PreparedStatement release = connection.prepareStatement(RELEASE)) {
            bind(release, 1, lease);
            release.executeUpdate();
        }
    }

    /** Tells the others that this relay is gone. */
    void leave() throws SQLException {
        try (PreparedStatement leave = connection.prepareStatement(LEAVE)) {
            leave.setString(1, relay);
            leave.executeUpdate();
        }
    }

    private static void bind(PreparedStatement statement, int at, Lease lease) throws SQLException {
        statement.setString(at, lease.lane().channel());
        statement.setInt(at + 1, lease.lane().generation());
        statement.setInt(at + 2, lease.lane().lane());
        statement.setString(at + 3, lease.owner());
        statement.setLong(at + 4, lease.epoch());
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
