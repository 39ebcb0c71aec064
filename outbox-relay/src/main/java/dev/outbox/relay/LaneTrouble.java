package dev.outbox.relay;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes into the lane's row what keeps its owner from getting on, for people who look there: once it lasts, and again when it is
 * over. Used by the lane's thread.
 */
final class LaneTrouble {

    /** Shorter trouble is nobody's business, and a text that changes all the time is not written all the time. */
    private static final Duration LASTING = Duration.ofSeconds(1);

    private static final int CHARS_MAX = 660;

    private static final String TELL = """
            UPDATE lane
            SET trouble = ?, trouble_since = CASE WHEN ? THEN coalesce(trouble_since, clock_timestamp()) END
            WHERE channel = ? AND generation = ? AND lane = ? AND owner = ? AND epoch = ?
            """;

    private final Connection connection;
    private final Lease lease;

    /** What the row says; what the owner before left there is wiped out by the first that is told. */
    private String told = "unknown";

    private long changedAtNanos = System.nanoTime();

    LaneTrouble(Connection connection, Lease lease) {
        this.connection = connection;
        this.lease = lease;
    }

    /** @param trouble in words, or null when there is none */
    void tell(@Nullable String trouble) throws SQLException {
        String text = Objects.requireNonNullElse(trouble, "");
        long now = System.nanoTime();
        if (text.equals(told)) {
            changedAtNanos = now;
            return;
        }
        if (trouble != null && now - changedAtNanos < LASTING.toNanos()) {
            return;
        }
        try (PreparedStatement tell = connection.prepareStatement(TELL)) {
            tell.setString(1, trouble == null ? null : text.substring(0, Math.min(text.length(), CHARS_MAX)));
            tell.setBoolean(2, trouble != null);
            tell.setString(3, lease.lane().channel());
            tell.setInt(4, lease.lane().generation());
            tell.setInt(5, lease.lane().lane());
            tell.setString(6, lease.owner());
            tell.setLong(7, lease.epoch());
            tell.executeUpdate();
        }
        told = text;
        changedAtNanos = now;
    }
}
