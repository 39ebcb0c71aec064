package dev.outbox.sample.inventory;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Stock and reservations in the database. */
@Repository
class StockStore {

    private static final String FIND = """
            select sku, available, reserved
            from stock
            where sku = :sku
            """;

    private static final String LIST = """
            select sku, available, reserved
            from stock
            order by sku
            limit :limit
            """;

    private static final String SET_AVAILABLE = """
            insert into stock (sku, available)
            values (:sku, :available)
            on conflict (sku) do update set available = excluded.available
            """;

    /** The condition is checked on the row as it is when its lock is had. */
    private static final String TAKE = """
            update stock
            set available = available - :quantity,
                reserved = reserved + :quantity
            where sku = :sku and available >= :quantity
            """;

    private static final String RECORD = """
            insert into reservation (order_id, sku, quantity, state, reason)
            values (:order, :sku, :quantity, :state, :reason)
            -- A line that was removed from the order and came again.
            on conflict (order_id, sku) do update
            set quantity = excluded.quantity,
                state = excluded.state,
                reason = excluded.reason,
                changed_at = clock_timestamp()
            """;

    private static final String RELEASE = """
            with released as (
              update reservation
              set state = 'RELEASED',
                  changed_at = clock_timestamp()
              where order_id = :order and state = 'RESERVED' and (:sku::text is null or sku = :sku::text)
              returning sku, quantity)
            update stock
            set available = available + released.quantity,
                reserved = reserved - released.quantity
            from released
            where stock.sku = released.sku
            """;

    private static final String SHIP = """
            with shipped as (
              update reservation
              set state = 'SHIPPED',
                  changed_at = clock_timestamp()
              where order_id = :order and state = 'RESERVED'
              returning sku, quantity)
            update stock
            set reserved = reserved - shipped.quantity
            from shipped
            where stock.sku = shipped.sku
            """;

    private static final String RESERVATIONS = """
            select order_id, sku, quantity, state, reason, changed_at
            from reservation
            where order_id = :order
            order by sku
            """;

    private final JdbcClient jdbc;

    StockStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    Optional<Stock> find(String sku) {
        return jdbc.sql(FIND).param("sku", sku).query(StockStore::stock).optional();
    }

    List<Stock> list(int limit) {
        return jdbc.sql(LIST).param("limit", limit).query(StockStore::stock).list();
    }

    void setAvailable(String sku, long available) {
        jdbc.sql(SET_AVAILABLE).param("sku", sku).param("available", available).update();
    }

    /** Sets the quantity aside for the order, or records why not. */
    void reserve(UUID order, String sku, int quantity) {
        int taken = jdbc.sql(TAKE).param("sku", sku).param("quantity", quantity).update();
        String reason = taken == 1 ? null : find(sku).isPresent() ? "insufficient stock" : "unknown sku";
        jdbc.sql(RECORD)
                .param("order", order)
                .param("sku", sku)
                .param("quantity", quantity)
                .param("state", reason == null ? "RESERVED" : "REJECTED")
                .param("reason", reason)
                .update();
    }

    /** Gives back what is set aside for the order, or for one line of it. */
    void release(UUID order, @Nullable String sku) {
        jdbc.sql(RELEASE).param("order", order).param("sku", sku).update();
    }

    /** What was set aside for the order has left. */
    void ship(UUID order) {
        jdbc.sql(SHIP).param("order", order).update();
    }

    List<Reservation> reservations(UUID order) {
        return jdbc.sql(RESERVATIONS)
                .param("order", order)
                .query(StockStore::reservation)
                .list();
    }

    private static Stock stock(ResultSet row, int number) throws SQLException {
        return new Stock(row.getString("sku"), row.getLong("available"), row.getLong("reserved"));
    }

    private static Reservation reservation(ResultSet row, int number) throws SQLException {
        return new Reservation(
                row.getObject("order_id", UUID.class),
                row.getString("sku"),
                row.getInt("quantity"),
                row.getString("state"),
                row.getString("reason"),
                row.getTimestamp("changed_at").toInstant());
    }
}
