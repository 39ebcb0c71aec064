package dev.outbox.sample.order;

import dev.outbox.OutboxMessage;
import java.math.BigDecimal;
import java.util.List;
import java.util.UUID;

/** The events of an order: topic {@code orders}, the order's id as key. */
final class OrderEvents {

    static final String TOPIC = "orders";

    private OrderEvents() {}

    record OrderCreated(UUID orderId, String customer, List<Order.Item> items, BigDecimal total) {}

    /** Of every step: what the order is worth. */
    record OrderStepped(UUID orderId, BigDecimal total) {}

    record OrderStatusChanged(UUID orderId, OrderStatus from, OrderStatus to) {}

    /** Of a line that came or went; the total is the one afterwards. */
    record OrderItemChanged(UUID orderId, String sku, int quantity, BigDecimal unitPrice, BigDecimal total) {}

    static OutboxMessage created(Order order) {
        return message(
                order,
                "order.created",
                new OrderCreated(order.id(), order.customer(), order.items(), order.getTotal()));
    }

    /** The step's own event, and the general one beside it. */
    static List<OutboxMessage> stepped(OrderStep step, OrderStatus from, Order order) {
        return List.of(
                message(order, step.eventType(), new OrderStepped(order.id(), order.getTotal())),
                message(order, "order.status_changed", new OrderStatusChanged(order.id(), from, step.to())));
    }

    static OutboxMessage itemAdded(Order order, Order.Item item) {
        return message(order, "order.item_added", itemChanged(order, item));
    }

    static OutboxMessage itemRemoved(Order order, Order.Item item) {
        return message(order, "order.item_removed", itemChanged(order, item));
    }

    private static OrderItemChanged itemChanged(Order order, Order.Item item) {
        return new OrderItemChanged(order.id(), item.sku(), item.quantity(), item.unitPrice(), order.getTotal());
    }

    private static OutboxMessage message(Order order, String type, Object payload) {
        return OutboxMessage.of(TOPIC, type, order.id().toString(), payload);
    }
}
