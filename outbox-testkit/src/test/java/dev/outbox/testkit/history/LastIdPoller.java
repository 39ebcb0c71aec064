package dev.outbox.testkit.history;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** The relay everybody writes first: remembers the last id, and so never sees what commits late with a lower one. */
final class LastIdPoller implements AutoCloseable {

    private static final String PAGE = """
            select seq, id, topic, key, payload
              from outbox.message
             where seq > ?
             order by seq
             limit 500
            """;

    private static final long POLL_MILLIS = 5;

    private final DataSource source;
    private final History history;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread = new Thread(this::poll, "last-id-poller");
    private volatile long last;
    private volatile @Nullable Throwable failure;

    private LastIdPoller(DataSource source, History history) {
        this.source = source;
        this.history = history;
    }

    /** The number of the last message it has seen. */
    long last() {
        return last;
    }

    static LastIdPoller start(DataSource source, History history) {
        LastIdPoller poller = new LastIdPoller(source, history);
        poller.thread.start();
        return poller;
    }

    /** Reads every committed message once by number: with all writers ended even this is correct. */
    static void readOnce(DataSource source, History history) throws SQLException {
        LastIdPoller poller = new LastIdPoller(source, history);
        try (Connection connection = source.getConnection()) {
            while (poller.page(connection) > 0) {
                // The next page.
            }
        }
    }

    private void poll() {
        try (Connection connection = source.getConnection()) {
            do {
                while (page(connection) > 0) {
                    // The next page.
                }
            } while (!closing.await(POLL_MILLIS, TimeUnit.MILLISECONDS));
            while (page(connection) > 0) {
                // What was committed meanwhile.
            }
        } catch (SQLException | InterruptedException | RuntimeException e) {
            failure = e;
        }
    }

    private int page(Connection connection) throws SQLException {
        int rows = 0;
        try (PreparedStatement statement = connection.prepareStatement(PAGE)) {
            statement.setLong(1, last);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    last = row.getLong(1);
                    history.delivered(Delivery.of(
                                    row.getObject(2, UUID.class),
                                    row.getString(3),
                                    row.getString(4),
                                    row.getString(5).getBytes(StandardCharsets.UTF_8),
                                    0,
                                    last,
                                    Clock.systemUTC().instant())
                            .withSeq(last));
                    rows++;
                }
            }
        }
        return rows;
    }

    @Override
    public void close() {
        closing.countDown();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (failure != null) {
            throw new IllegalStateException("The poller failed", failure);
        }
    }
}
