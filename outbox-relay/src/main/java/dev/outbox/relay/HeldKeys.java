package dev.outbox.relay;

import dev.outbox.relay.broker.Message;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The (topic, key) pairs whose later messages must wait, because an earlier one is parked. Used by the lane's thread.
 *
 * <p>A message without a key holds nobody and is held by nobody.
 */
final class HeldKeys {

    private static final String LOAD = """
            SELECT topic, key, min(seq)
            FROM parked
            WHERE channel = ? AND resolved_at IS NULL AND key IS NOT NULL
            GROUP BY topic, key
            """;

    private final Map<TopicKey, Long> heads;

    private HeldKeys(Map<TopicKey, Long> heads) {
        this.heads = heads;
    }

    /** The keys that are held now, as a new owner of the lane finds them. */
    static HeldKeys load(Connection connection, String channel) throws SQLException {
        Map<TopicKey, Long> heads = new HashMap<>();
        try (PreparedStatement load = connection.prepareStatement(LOAD)) {
            load.setString(1, channel);
            try (ResultSet rows = load.executeQuery()) {
                while (rows.next()) {
                    heads.put(new TopicKey(rows.getString(1), rows.getString(2)), rows.getLong(3));
                }
            }
        }
        return new HeldKeys(heads);
    }

    /** The seq of the message that this one has to wait behind, or null if it may go. */
    @Nullable
    Long holderOf(Message message) {
        return heads.isEmpty() || message.key() == null ? null : heads.get(TopicKey.of(message));
    }

    /** Later messages of this one's key wait from now on. */
    void hold(Message message) {
        if (message.key() != null) {
            heads.putIfAbsent(TopicKey.of(message), message.seq());
        }
    }

    int size() {
        return heads.size();
    }
}
