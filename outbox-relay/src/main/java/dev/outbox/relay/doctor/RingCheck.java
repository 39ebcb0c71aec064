package dev.outbox.relay.doctor;

import dev.outbox.relay.RelaySettings.SegmentSettings;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Whether the ring of segments turns: what is due, what is in the way, and what nobody serves. */
final class RingCheck {

    private static final String SUBJECT = "ring";

    /** A relay looks every second unless told otherwise; being late by that many looks is no news. */
    private static final int LOOKS_LATE = 60;

    private static final String CURRENT = """
            SELECT no, segment, opened_at, extract(epoch FROM clock_timestamp() - opened_at),
              pg_total_relation_size(('message_' || segment)::regclass)
            FROM segment_log
            WHERE no = pg_sequence_last_value('segment_seq'::regclass)
            """;

    private static final String FILLED = """
            SELECT ARRAY(
              SELECT 0 WHERE EXISTS (SELECT FROM message_0)
              UNION ALL
              SELECT 1 WHERE EXISTS (SELECT FROM message_1)
              UNION ALL
              SELECT 2 WHERE EXISTS (SELECT FROM message_2)
              UNION ALL
              SELECT 3 WHERE EXISTS (SELECT FROM message_3))
            """;

    private static final String CLOSED = """
            SELECT segment, max(closed_at), max(closed_at) < clock_timestamp() - ? * interval '1 millisecond'
            FROM segment_log
            WHERE segment <> ? AND segment = ANY (?)
            GROUP BY segment
            HAVING bool_and(closed_at IS NOT NULL)
            ORDER BY max(closed_at)
            """;

    /** There is no index by channel, so only the newest are looked at. */
    private static final String NO_LANES = """
            SELECT string_agg(DISTINCT m.channel, ', ')
            FROM (SELECT channel FROM message ORDER BY seq DESC LIMIT 100000) m
            WHERE NOT EXISTS (SELECT FROM lane l WHERE l.channel = m.channel)
            """;

    private record Segment(int segment, Instant at, Duration age, long bytes) {}

    private RingCheck() {}

    static List<Finding> run(Connection connection, SegmentSettings rule) throws SQLException {
        List<Finding> findings = new ArrayList<>();
        Optional<Segment> current = current(connection);
        if (current.isEmpty()) {
            findings.add(Finding.warning(
                    SUBJECT, "segment_log does not know the segment in use; a relay mends that when it starts"));
        } else {
            Integer[] filled = filled(connection);
            turning(current.get(), List.of(filled), rule).ifPresent(findings::add);
            closed(connection, current.get(), filled, rule).ifPresent(findings::add);
            if (findings.isEmpty()) {
                findings.add(Finding.ok(
                        SUBJECT,
                        "segment " + current.get().segment() + " is in use since "
                                + current.get().at() + ", bytes="
                                + current.get().bytes() + ", segments that hold messages: " + filled.length + " of 4"));
            }
        }
        String unserved = DatabaseCheck.ask(connection, NO_LANES);
        if (!unserved.isEmpty()) {
            findings.add(Finding.warning(
                    "channels",
                    "messages of channels that no relay has ever served: " + unserved
                            + "; serve them (outbox.channels.<name>), or the ring cannot be emptied"));
        }
        return findings;
    }

    /** What keeps the segment in use from being closed. */
    private static Optional<Finding> turning(Segment current, List<Integer> filled, SegmentSettings rule) {
        boolean tooOld = current.age().compareTo(rule.rotateAfter()) >= 0;
        if (!filled.contains(current.segment()) || !(tooOld || current.bytes() >= rule.bytesMax())) {
            return Optional.empty();
        }
        String due = "segment " + current.segment() + " is due to be closed, openedAt=" + current.at() + ", bytes="
                + current.bytes();
        int next = (current.segment() + 1) % 4;
        if (filled.contains(next)) {
            return Optional.of(Finding.warning(SUBJECT, due + ", but the next one, " + next + ", is not empty"));
        }
        Duration late = rule.rotateAfter().plus(rule.checkInterval().multipliedBy(LOOKS_LATE));
        return current.age().compareTo(late) >= 0
                ? Optional.of(Finding.warning(SUBJECT, due + ", and nobody does it; is a relay running?"))
                : Optional.empty();
    }

    /** The segment that has been past retention for longest. */
    private static Optional<Finding> closed(
            Connection connection, Segment current, Integer[] filled, SegmentSettings rule) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(CLOSED)) {
            statement.setLong(1, rule.retention().toMillis());
            statement.setInt(2, current.segment());
            statement.setArray(3, connection.createArrayOf("integer", filled));
            try (ResultSet row = statement.executeQuery()) {
                return row.next() && row.getBoolean(3)
                        ? Optional.of(Finding.warning(
                                SUBJECT,
                                "segment " + row.getInt(1) + " is past retention and not emptied, closedAt="
                                        + row.getObject(2, OffsetDateTime.class).toInstant()
                                        + "; it holds what is not published or not served, or somebody uses it: the relay's"
                                        + " log says which"))
                        : Optional.empty();
            }
        }
    }

    private static Optional<Segment> current(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(CURRENT);
                ResultSet row = statement.executeQuery()) {
            return row.next()
                    ? Optional.of(new Segment(
                            row.getInt(2),
                            row.getObject(3, OffsetDateTime.class).toInstant(),
                            Duration.ofSeconds(row.getLong(4)),
                            row.getLong(5)))
                    : Optional.empty();
        }
    }

    private static Integer[] filled(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(FILLED);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return (Integer[]) row.getArray(1).getArray();
        }
    }
}
