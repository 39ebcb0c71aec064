package dev.outbox.relay;

import dev.outbox.relay.broker.Message;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What a lane reads of the table {@code parked}: who is in the way of whom, and what may go. Only its owner writes there, but for
 * operators, who may resolve any message and have any that is in the way tried again. On the lane's connection, in autocommit
 * mode.
 */
final class ParkedMessages {

    /** What only waits for its topic holds no key. A key whose first message waits behind another has lost that other one. */
    private static final String HELD_KEYS = """
            SELECT topic, key, min(seq), (array_agg(state ORDER BY seq))[1] = 'HELD'
            FROM parked
            WHERE channel = ? AND resolved_at IS NULL AND key IS NOT NULL {lane}
            GROUP BY topic, key
            HAVING bool_or(state <> 'WAITING')
            """;

    private static final String HELD_TOPICS = """
            SELECT DISTINCT topic
            FROM parked
            WHERE channel = ? AND state = 'WAITING' {lane}
            """;

    private static final String AMOUNT = """
            SELECT count(*), coalesce(sum(coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(body), 0)), 0)
            FROM parked
            WHERE channel = ? AND resolved_at IS NULL {lane}
            """;

    private static final String RESOLVED = """
            SELECT seq
            FROM unnest(?::bigint[]) h (seq)
            WHERE NOT EXISTS (
              SELECT FROM parked p WHERE p.seq = h.seq AND p.resolved_at IS NULL AND p.state <> 'HELD')
            """;

    static final String DUE = """
            SELECT {columns}
            FROM parked
            WHERE channel = ? AND next_attempt_at <= clock_timestamp() AND state = 'RETRYING' AND topic <> ALL (?) {lane}
            ORDER BY seq
            LIMIT ?
            """;

    static final String WAITING = """
            SELECT {columns}
            FROM parked
            WHERE channel = ? AND topic = ? AND state = 'WAITING' {lane}
            ORDER BY seq
            LIMIT ?
            """;

    /** All of a key that is not resolved, whatever its state: this is the order in which it was appended. */
    static final String OF_KEYS = """
            SELECT {columns}
            FROM (
              SELECT p.*
              FROM unnest(?::text[], ?::text[]) h (topic, key)
              CROSS JOIN LATERAL (
                SELECT *
                FROM parked
                WHERE channel = ? AND topic = h.topic AND key = h.key AND resolved_at IS NULL
                ORDER BY seq
                LIMIT ?
              ) p
            ) p
            ORDER BY seq
            LIMIT ?
            """;

    private final Connection connection;
    private final LaneKey lane;
    private final MessageRow row = new MessageRow();

    /** How much is parked and not resolved. */
    record Amount(long messages, long bytes) {}

    ParkedMessages(Connection connection, LaneKey lane) {
        this.connection = connection;
        this.lane = lane;
    }

    /** Who waits for what, as a new owner of the lane finds it. */
    Holds loadHolds() throws SQLException {
        Holds holds = new Holds();
        try (PreparedStatement keys = prepare(HELD_KEYS);
                PreparedStatement topics = prepare(HELD_TOPICS)) {
            keys.setString(1, lane.channel());
            try (ResultSet rows = keys.executeQuery()) {
                while (rows.next()) {
                    holds.loadKey(
                            new TopicKey(rows.getString(1), rows.getString(2)), rows.getLong(3), rows.getBoolean(4));
                }
            }
            topics.setString(1, lane.channel());
            try (ResultSet rows = topics.executeQuery()) {
                while (rows.next()) {
                    holds.loadTopic(rows.getString(1));
                }
            }
        }
        return holds;
    }

    Amount amount() throws SQLException {
        try (PreparedStatement amount = prepare(AMOUNT)) {
            amount.setString(1, lane.channel());
            try (ResultSet row = amount.executeQuery()) {
                row.next();
                return new Amount(row.getLong(1), row.getLong(2));
            }
        }
    }

    /**
     * Those of these messages that are resolved or gone, or held in the table: then an operator's transaction kept from being
     * written why they are in the way, and they have to be tried again.
     */
    Set<Long> resolved(Collection<Long> seqs) throws SQLException {
        Set<Long> resolved = new HashSet<>();
        try (PreparedStatement statement = connection.prepareStatement(RESOLVED)) {
            statement.setArray(1, connection.createArrayOf("bigint", seqs.toArray()));
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    resolved.add(rows.getLong(1));
                }
            }
        }
        return resolved;
    }

    /** Refused messages whose next attempt is due, but for those of some topics. */
    List<Message> due(Collection<String> topicsLeftOut, int most) throws SQLException {
        try (PreparedStatement due = prepare(DUE)) {
            due.setString(1, lane.channel());
            due.setArray(2, connection.createArrayOf("text", topicsLeftOut.toArray()));
            due.setInt(3, most);
            return messages(due);
        }
    }

    /** The first of those that wait for a topic. */
    List<Message> waiting(String topic, int most) throws SQLException {
        try (PreparedStatement waiting = prepare(WAITING)) {
            waiting.setString(1, lane.channel());
            waiting.setString(2, topic);
            waiting.setInt(3, most);
            return messages(waiting);
        }
    }

    /** The first unresolved messages of some keys, those of each in order. */
    List<Message> of(List<TopicKey> keys, int most) throws SQLException {
        Array topics = connection.createArrayOf(
                "text", keys.stream().map(TopicKey::topic).toArray());
        Array names = connection.createArrayOf(
                "text", keys.stream().map(TopicKey::key).toArray());
        try (PreparedStatement of = prepare(OF_KEYS)) {
            of.setArray(1, topics);
            of.setArray(2, names);
            of.setString(3, lane.channel());
            of.setInt(4, most);
            of.setInt(5, most);
            return messages(of);
        }
    }

    private PreparedStatement prepare(String sql) throws SQLException {
        return connection.prepareStatement(WindowReader.forLane(sql, lane));
    }

    private List<Message> messages(PreparedStatement statement) throws SQLException {
        List<Message> messages = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                messages.add(row.read(rows));
            }
        }
        return messages;
    }
}
