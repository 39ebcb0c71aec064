package dev.outbox.relay;

import dev.outbox.relay.broker.Message;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Makes messages of rows of {@code message} or {@code parked}. Used by one thread. */
final class MessageRow {

    /** What a statement selects, in the order in which it is read. */
    static final String COLUMNS = """
            seq, id::text, topic, key, type, version,
              round(date_part('epoch', occurred_at) * 1000000)::bigint, -- microseconds, in either transfer format
              correlation_id, causation_id, source, headers, payload, body, content_type
            """.strip();

    private String lastTopic = "";
    private byte[] lastTopicBytes = {};

    Message read(ResultSet row) throws SQLException {
        return new Message(
                row.getLong(1),
                required(row, 2),
                topic(required(row, 3)),
                row.getBytes(4),
                required(row, 5),
                required(row, 6),
                row.getLong(7),
                row.getBytes(8),
                row.getBytes(9),
                required(row, 10),
                row.getBytes(11),
                row.getBytes(12),
                row.getBytes(13),
                required(row, 14),
                null);
    }

    private static byte[] required(ResultSet row, int column) throws SQLException {
        byte @Nullable [] bytes = row.getBytes(column);
        if (bytes == null) {
            throw new SQLException("Column is null that cannot be: column=" + column);
        }
        return bytes;
    }

    /** Neighbours mostly share a topic, so they share the String. */
    private String topic(byte[] bytes) {
        if (!Arrays.equals(bytes, lastTopicBytes)) {
            lastTopicBytes = bytes;
            lastTopic = new String(bytes, StandardCharsets.UTF_8);
        }
        return lastTopic;
    }
}
