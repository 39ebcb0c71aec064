package dev.outbox.testkit;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Looks into the tables of an outbox or an inbox, and waits for them, in the test of a service that has one.
 *
 * <pre>{@code
 * OutboxTables outbox = OutboxTables.of(database.dataSource(), "outbox");
 * service.placeOrder(order);
 * assertThat(outbox.appended("orders")).extracting(Appended::type).containsExactly("order.created");
 * outbox.awaitPublished(Duration.ofSeconds(10));                      // where a relay runs
 * outbox.awaitReceived("inventory", id.toString(), Duration.ofSeconds(10));    // in the consumer's database
 * }</pre>
 *
 * <p>Each call opens a connection of its own, so it sees what is committed. Safe for use by many threads.
 */
public final class OutboxTables {

    private static final Duration STEP = Duration.ofMillis(20);

    private final DataSource dataSource;
    private final String schema;

    private OutboxTables(DataSource dataSource, String schema) {
        this.dataSource = dataSource;
        this.schema = schema;
    }

    /**
     * A message as it stands in the outbox.
     *
     * @param payload the JSON text, or null
     */
    public record Appended(
            long seq,
            UUID id,
            String topic,
            @Nullable String key,
            String type,
            @Nullable String payload) {}

    /**
     * The tables of one schema.
     *
     * @throws IllegalArgumentException if that is no name the outbox may have
     */
    public static OutboxTables of(DataSource dataSource, String schema) {
        if (!schema.matches("[a-z_][a-z0-9_]{0,62}")) {
            throw new IllegalArgumentException("Schema name is not valid: schema=" + schema);
        }
        return new OutboxTables(dataSource, schema);
    }

    /** The committed messages of a topic, in the order of their {@code seq}, published or not. */
    public List<Appended> appended(String topic) {
        List<Appended> appended = new ArrayList<>();
        String select =
                "SELECT seq, id, topic, key, type, payload FROM " + schema + ".message WHERE topic = ? ORDER BY seq";
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = connection.prepareStatement(select)) {
            statement.setString(1, topic);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    appended.add(new Appended(
                            row.getLong(1),
                            row.getObject(2, UUID.class),
                            row.getString(3),
                            row.getString(4),
                            row.getString(5),
                            row.getString(6)));
                }
            }
            return appended;
        } catch (SQLException e) {
            throw failed("appended messages", e);
        }
    }

    /** How many messages are neither published nor parked. */
    public long pending() {
        return count("SELECT count(*) FROM " + schema + ".pending");
    }

    /** How many messages could not be published, or wait behind one that could not. */
    public long parked() {
        return count("SELECT count(*) FROM " + schema + ".parked WHERE resolved_at IS NULL");
    }

    /** Whether a consumer has received the message with this id. */
    public boolean received(String consumer, String messageId) {
        return count(
                        "SELECT count(*) FROM " + schema + ".inbox WHERE consumer = ? AND message_id = ?",
                        consumer,
                        messageId)
                > 0;
    }

    /**
     * Waits until a relay has published everything that was appended.
     *
     * @throws AssertionError if it does not in that time, or if messages were parked
     */
    public void awaitPublished(Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        long pending = pending();
        while (pending > 0) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("Messages are still pending: pending=" + pending + ", waited=" + timeout
                        + "; does a relay run on this database?");
            }
            LockSupport.parkNanos(STEP.toNanos());
            pending = pending();
        }
        long parked = parked();
        if (parked > 0) {
            throw new AssertionError("Messages were parked: parked=" + parked + "; see " + schema + ".parked");
        }
    }

    /**
     * Waits until a consumer has received the message with this id.
     *
     * @throws AssertionError if it does not in that time
     */
    public void awaitReceived(String consumer, String messageId, Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (!received(consumer, messageId)) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("Message was not received: consumer=" + consumer + ", messageId=" + messageId
                        + ", waited=" + timeout);
            }
            LockSupport.parkNanos(STEP.toNanos());
        }
    }

    private long count(String select, String... arguments) {
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = connection.prepareStatement(select)) {
            for (int n = 0; n < arguments.length; n++) {
                statement.setString(n + 1, arguments[n]);
            }
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        } catch (SQLException e) {
            throw failed("a count", e);
        }
    }

    private IllegalStateException failed(String what, SQLException cause) {
        return new IllegalStateException("Cannot read " + what + ": schema=" + schema, cause);
    }
}
