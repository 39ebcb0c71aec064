package dev.outbox.relay.doctor;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Who is alive, and whether every lane is in good hands. */
final class LaneCheck {

    private static final String RELAYS = """
            SELECT count(*), string_agg(id || ' (last seen ' || seen_at || ')', ', ' ORDER BY id)
              FILTER (WHERE seen_at < clock_timestamp() - ? * interval '1 millisecond')
            FROM relay
            """;

    private static final String LANES = """
            SELECT count(*),
              string_agg(name || ' (' || owner || ' until ' || lease_until || ')', ', ' ORDER BY name)
                FILTER (WHERE paused_at IS NULL AND lease_until < clock_timestamp()),
              string_agg(name, ', ' ORDER BY name) FILTER (WHERE paused_at IS NULL AND owner IS NULL),
              string_agg(name || ' (' || trouble || ', since ' || trouble_since || ')', ', ' ORDER BY name)
                FILTER (WHERE paused_at IS NULL AND trouble IS NOT NULL),
              string_agg(name || ' (' || pause_reason || ')', ', ' ORDER BY name) FILTER (WHERE paused_at IS NOT NULL)
            FROM (SELECT l.*, channel || '/' || lane AS name FROM lane l) l
            WHERE generation = (SELECT max(generation) FROM lane g WHERE g.channel = l.channel)
            """;

    private LaneCheck() {}

    static List<Finding> run(Connection connection, Duration lease) throws SQLException {
        List<Finding> findings = new ArrayList<>();
        try (PreparedStatement relays = connection.prepareStatement(RELAYS)) {
            relays.setLong(1, lease.toMillis());
            try (ResultSet row = relays.executeQuery()) {
                row.next();
                String lost = row.getString(2);
                findings.add(
                        lost == null
                                ? Finding.ok("relays", row.getLong(1) + " at work")
                                : Finding.warning("relays", "not seen for longer than a lease: " + lost));
            }
        }
        try (PreparedStatement lanes = connection.prepareStatement(LANES);
                ResultSet row = lanes.executeQuery()) {
            row.next();
            int before = findings.size();
            warn(findings, "the lease has run out and nobody took over: ", row.getString(2));
            warn(findings, "without an owner, is a relay for it running: ", row.getString(3));
            warn(findings, "in trouble: ", row.getString(4));
            warn(findings, "paused: ", row.getString(5));
            if (findings.size() == before) {
                findings.add(Finding.ok(
                        "lanes",
                        row.getLong(1) == 0
                                ? "none yet, the first relay makes them"
                                : row.getLong(1) + ", each with an owner"));
            }
        }
        return findings;
    }

    private static void warn(List<Finding> findings, String what, @Nullable String lanes) {
        if (lanes != null) {
            findings.add(Finding.warning("lanes", what + lanes));
        }
    }
}
