package dev.outbox.relay;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * Which PostgreSQL cluster a position belongs to. Transaction ids mean nothing outside the cluster that gave them out.
 *
 * @param systemIdentifier made by initdb, kept by physical copies, changed by a dump, a logical copy and pg_upgrade
 * @param timeline grows with each promotion and point-in-time recovery
 * @param xmax one past the latest ended transaction, now
 */
record Cluster(long systemIdentifier, int timeline, long xmax) {

    private static final String IDENTIFY = """
            SELECT system_identifier,
              ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int,
              pg_snapshot_xmax(pg_current_snapshot())::text
            FROM pg_control_system()
            """;

    static Cluster of(Connection connection) throws SQLException {
        try (PreparedStatement identify = connection.prepareStatement(IDENTIFY);
                ResultSet row = identify.executeQuery()) {
            row.next();
            return new Cluster(row.getLong(1), row.getInt(2), Long.parseUnsignedLong(row.getString(3)));
        }
    }

    /**
     * Makes sure that a saved position still means something here.
     *
     * @throws ForeignPositionException if the database was restored, copied or upgraded since
     */
    void requireOrigin(LaneKey lane, Checkpoint saved) {
        if (saved.cluster().systemIdentifier != systemIdentifier) {
            throw new ForeignPositionException("Position belongs to another database cluster: lane=" + lane
                    + ", checkpoint=" + saved.no() + ", savedSystemIdentifier=" + saved.cluster().systemIdentifier
                    + ", systemIdentifier=" + systemIdentifier
                    + "; the database was restored from a dump, copied or upgraded."
                    + " Stop the relays and run 'outbox rebase' (after pg_upgrade: 'outbox rebase --keep-position')");
        }
        Window window = saved.position().window();
        long savedXmax = window == null
                ? saved.position().published().xmax()
                : window.snapshot().xmax();
        if (Long.compareUnsigned(xmax, savedXmax) < 0) {
            throw new ForeignPositionException("Database is behind the saved position: lane=" + lane + ", checkpoint="
                    + saved.no() + ", savedXmax=" + savedXmax + ", xmax=" + xmax
                    + "; it was restored to an earlier state. Stop the relays and run 'outbox rebase'");
        }
    }
}
