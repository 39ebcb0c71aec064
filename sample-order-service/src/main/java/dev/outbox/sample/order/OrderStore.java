package dev.outbox.sample.order;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Orders in the database. */
@Repository
class OrderStore {

    private static final String INSERT = """
            insert into orders (id, customer, status)
            values (:id, :customer, :status)
            """;

    private static final String INSERT_ITEM = """
            insert into order_item (order_id, sku, quantity, unit_price)
            values (:order, :sku, :quantity, :unitPrice)
            """;

    private static final String DELETE_ITEM = """
            delete from order_item
            where order_id = :order and sku = :sku
            """;

    private static final String UPDATE_STATUS = """
            update orders
            set status = :status,
                changed_at = clock_timestamp(),
                paid_at = case when :status = 'PAID' then clock_timestamp() else paid_at end
            where id = :id
            """;

    private static final String TOUCH = """
            update orders
            set changed_at = clock_timestamp()
            where id = :id
            """;

    /** Whoever changes an order waits here for the one before, so their events are in the same order. */
    private static final String LOCK = """
            select id
            from orders
            where id = :id
            for update
            """;

    private static final String FIND = """
            select id, customer, status, paid_at, created_at, changed_at
            from orders
            where id = :id
            """;

    private static final String LIST = """
            select id, customer, status, paid_at, created_at, changed_at
            from orders
            where :status::text is null or status = :status::text
            order by created_at desc, id desc
            limit :limit
            """;

    private static final String ITEMS = """
            select order_id, sku, quantity, unit_price
            from order_item
            where order_id = any (:orders)
            order by order_id, sku
            """;

    private final JdbcClient jdbc;

    OrderStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    void insert(UUID id, String customer, List<Order.Item> items) {
        jdbc.sql(INSERT)
                .param("id", id)
                .param("customer", customer)
                .param("status", OrderStatus.CREATED.name())
                .update();
        items.forEach(item -> insertItem(id, item));
    }

    void insertItem(UUID order, Order.Item item) {
        jdbc.sql(INSERT_ITEM)
                .param("order", order)
                .param("sku", item.sku())
                .param("quantity", item.quantity())
                .param("unitPrice", item.unitPrice())
                .update();
    }

    void deleteItem(UUID order, String sku) {
        jdbc.sql(DELETE_ITEM).param("order", order).param("sku", sku).update();
    }

    void updateStatus(UUID id, OrderStatus status) {
        jdbc.sql(UPDATE_STATUS).param("id", id).param("status", status.name()).update();
    }

    void touch(UUID id) {
        jdbc.sql(TOUCH).param("id", id).update();
    }

    /** Reads an order that nobody else can change until the transaction ends. */
    Optional<Order> lock(UUID id) {
        return jdbc.sql(LOCK).param("id", id).query(UUID.class).optional().flatMap(this::find);
    }

    Optional<Order> find(UUID id) {
        List<Row> rows = jdbc.sql(FIND).param("id", id).query(Row::of).list();
        return withItems(rows).stream().findFirst();
    }

    /** The newest orders first. */
    List<Order> list(@Nullable OrderStatus status, int limit) {
        return withItems(jdbc.sql(LIST)
                .param("status", status == null ? null : status.name())
                .param("limit", limit)
                .query(Row::of)
                .list());
    }

    private List<Order> withItems(List<Row> rows) {
        UUID[] ids = rows.stream().map(Row::id).toArray(UUID[]::new);
        Map<UUID, List<ItemRow>> items = ids.length == 0
                ? Map.of()
                : jdbc.sql(ITEMS).param("orders", ids).query(ItemRow::of).list().stream()
                        .collect(Collectors.groupingBy(ItemRow::order));
        return rows.stream()
                .map(row -> row.order(items.getOrDefault(row.id(), List.of())))
                .toList();
    }

    private record ItemRow(UUID order, Order.Item item) {

        static ItemRow of(ResultSet row, int number) throws SQLException {
            return new ItemRow(
                    row.getObject("order_id", UUID.class),
                    new Order.Item(row.getString("sku"), row.getInt("quantity"), row.getBigDecimal("unit_price")));
        }
    }

    private record Row(
            UUID id,
            String customer,
            OrderStatus status,
            @Nullable Instant paidAt,
            Instant createdAt,
            Instant changedAt) {

        static Row of(ResultSet row, int number) throws SQLException {
            Timestamp paidAt = row.getTimestamp("paid_at");
            return new Row(
                    row.getObject("id", UUID.class),
                    row.getString("customer"),
                    OrderStatus.valueOf(row.getString("status")),
                    paidAt == null ? null : paidAt.toInstant(),
                    row.getTimestamp("created_at").toInstant(),
                    row.getTimestamp("changed_at").toInstant());
        }

        Order order(List<ItemRow> items) {
            List<Order.Item> lines = items.stream().map(ItemRow::item).toList();
            return new Order(id, customer, status, lines, paidAt, createdAt, changedAt);
        }
    }
}
