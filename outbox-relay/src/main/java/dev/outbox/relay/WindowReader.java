package dev.outbox.relay;

import dev.outbox.relay.broker.Message;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Opens windows and reads their pages, on one connection in autocommit mode: nothing stays open between two calls.
 *
 * <p>Not visible in a snapshot S means {@code xid >= xmax(S) OR xid = ANY(xip(S))}. The two are asked for separately: with
 * the OR the planner reads the whole index.
 */
final class WindowReader implements AutoCloseable {

    /** The snapshot is taken by the statement that looks, so it sees exactly what was counted. */
    static final String OPEN = """
            SELECT pg_current_snapshot()::text, fresh.low, fresh.high, fresh.rows, late.low, late.high, late.rows
            FROM (
              SELECT min(seq) AS low, max(seq) AS high, count(*) AS rows
              FROM message
              WHERE xid >= ?
            ) fresh, (
              SELECT min(seq) AS low, max(seq) AS high, count(*) AS rows
              FROM message
              WHERE xid = ANY (?) AND xid < ?
            ) late
            """;

    private static final String SMALL = """
            SELECT {columns}
            FROM (
              SELECT * FROM message WHERE xid >= ?
              UNION ALL
              SELECT * FROM message WHERE xid = ANY (?) AND xid < ?
            ) w
            WHERE channel = ? {lane} AND pg_visible_in_snapshot(xid, ?)
            ORDER BY seq
            """;

    private static final String LARGE = """
            SELECT {columns}
            FROM message
            WHERE seq > ? AND seq <= ?
              AND channel = ? {lane}
              AND NOT pg_visible_in_snapshot(xid, ?) AND pg_visible_in_snapshot(xid, ?)
            ORDER BY seq
            LIMIT ?
            """;

    private static final String MIXED = """
            SELECT {columns}
            FROM (
              (SELECT * FROM message
               WHERE xid = ANY (?) AND xid < ? AND seq > ?
                 AND channel = ? {lane} AND pg_visible_in_snapshot(xid, ?)
               ORDER BY seq
               LIMIT ?)
              UNION ALL
              (SELECT * FROM message
               WHERE seq > ? AND seq <= ? AND xid >= ?
                 AND channel = ? {lane} AND pg_visible_in_snapshot(xid, ?)
               ORDER BY seq
               LIMIT ?)
            ) w
            ORDER BY seq
            LIMIT ?
            """;

    private static final String LANE = "AND (coalesce(hashtextextended(key, 0), seq) & 9223372036854775807) %% %d = %d";

    /** How far a page walks at most: a lane that finds little of its own must not be away for minutes. */
    private static final long WALK_MAX = 1_000_000;

    private final LaneKey lane;
    private final MessageRow row = new MessageRow();
    private final PageRows pageRows;
    private final PreparedStatement open;
    private final PreparedStatement small;
    private final PreparedStatement large;
    private final PreparedStatement mixed;

    WindowReader(Connection connection, LaneKey lane, ChannelSettings channel, int pageRowsCeiling)
            throws SQLException {
        this.lane = lane;
        this.pageRows = new PageRows(channel, pageRowsCeiling);
        this.open = connection.prepareStatement(OPEN);
        this.small = connection.prepareStatement(forLane(SMALL, lane));
        this.large = connection.prepareStatement(forLane(LARGE, lane));
        this.mixed = connection.prepareStatement(forLane(MIXED, lane));
    }

    /** The statement that reads a page of this shape, for tests that look at its plan. */
    static String statement(Window.Shape shape, LaneKey lane) {
        return forLane(
                switch (shape) {
                    case SMALL -> SMALL;
                    case LARGE -> LARGE;
                    case MIXED -> MIXED;
                },
                lane);
    }

    /** Fills in the columns of a message and, where a channel has several lanes, which rows are this one's. */
    static String forLane(String sql, LaneKey lane) {
        return sql.replace("{columns}", MessageRow.COLUMNS)
                .replace("{lane}", lane.lanes() == 1 ? "" : LANE.formatted(lane.lanes(), lane.lane()));
    }

    /** How many rows the next page may have. */
    int pageRows() {
        return pageRows.next();
    }

    /** Looks for rows that the position's snapshot does not see. The result's window is empty when there are none. */
    Window open(Snapshot published) throws SQLException {
        setUntyped(open, 1, Long.toUnsignedString(published.xmax()));
        setUntyped(open, 2, published.running());
        setUntyped(open, 3, Long.toUnsignedString(published.xmax()));
        try (ResultSet row = open.executeQuery()) {
            row.next();
            return new Window(Snapshot.parse(row.getString(1)), bounds(row, 2), bounds(row, 5));
        }
    }

    private static Window.Bounds bounds(ResultSet row, int column) throws SQLException {
        long count = row.getLong(column + 2);
        return count == 0 ? Window.Bounds.NONE : new Window.Bounds(row.getLong(column), row.getLong(column + 1), count);
    }

    /** Reads the next page of the position's open window, which must have one. */
    Page page(Position position) throws SQLException {
        Window window = Objects.requireNonNull(position.window());
        int rowsMax = pageRows.next();
        Window.Shape shape = window.shape(rowsMax);
        PreparedStatement statement = switch (shape) {
            case SMALL -> bindSmall(position, window);
            case LARGE -> bindLarge(position, window, rowsMax);
            case MIXED -> bindMixed(position, window, rowsMax);
        };
        List<Message> messages = new ArrayList<>(shape == Window.Shape.SMALL ? 16 : rowsMax);
        try (ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                Message message = row.read(rows);
                if (message.seq() > position.pageSeq()) {
                    messages.add(message);
                }
            }
        }
        Page page = new Page(Page.Source.OUTBOX, messages, after(position, window, shape, messages));
        pageRows.adapt(page, rowsMax);
        return page;
    }

    private Position after(Position position, Window window, Window.Shape shape, List<Message> messages) {
        if (shape != Window.Shape.SMALL && messages.size() == pageRows.next()) {
            return position.withPage(messages.get(messages.size() - 1).seq());
        }
        return shape == Window.Shape.LARGE && walkEnd(position, window) < window.high()
                ? position.withPage(walkEnd(position, window))
                : Position.at(window.snapshot());
    }

    private static long walkStart(Position position, Window window) {
        return Math.max(position.pageSeq(), window.low() - 1);
    }

    private static long walkEnd(Position position, Window window) {
        return Math.min(window.high(), walkStart(position, window) + WALK_MAX);
    }

    private PreparedStatement bindSmall(Position position, Window window) throws SQLException {
        Snapshot published = position.published();
        setUntyped(small, 1, Long.toUnsignedString(published.xmax()));
        setUntyped(small, 2, published.running());
        setUntyped(small, 3, Long.toUnsignedString(published.xmax()));
        small.setString(4, lane.channel());
        setUntyped(small, 5, window.snapshot().text());
        return small;
    }

    private PreparedStatement bindLarge(Position position, Window window, int rowsMax) throws SQLException {
        large.setLong(1, walkStart(position, window));
        large.setLong(2, walkEnd(position, window));
        large.setString(3, lane.channel());
        setUntyped(large, 4, position.published().text());
        setUntyped(large, 5, window.snapshot().text());
        large.setInt(6, rowsMax);
        return large;
    }

    private PreparedStatement bindMixed(Position position, Window window, int rowsMax) throws SQLException {
        Snapshot published = position.published();
        String xmax = Long.toUnsignedString(published.xmax());
        setUntyped(mixed, 1, published.running());
        setUntyped(mixed, 2, xmax);
        mixed.setLong(3, position.pageSeq());
        mixed.setString(4, lane.channel());
        setUntyped(mixed, 5, window.snapshot().text());
        mixed.setInt(6, rowsMax);
        mixed.setLong(7, Math.max(position.pageSeq(), window.fresh().low() - 1));
        mixed.setLong(8, window.fresh().high());
        setUntyped(mixed, 9, xmax);
        mixed.setString(10, lane.channel());
        setUntyped(mixed, 11, window.snapshot().text());
        mixed.setInt(12, rowsMax);
        mixed.setInt(13, rowsMax);
        return mixed;
    }

    /** The position has been written down, so that a page too large to read would cost less than before. */
    void allowMoreRows() {
        pageRows.allowMore();
    }

    /** Has the server work out the type: the driver knows neither xid8 nor pg_snapshot. */
    static void setUntyped(PreparedStatement statement, int index, String value) throws SQLException {
        statement.setObject(index, value, Types.OTHER);
    }

    @Override
    public void close() throws SQLException {
        open.close();
        small.close();
        large.close();
        mixed.close();
    }
}
