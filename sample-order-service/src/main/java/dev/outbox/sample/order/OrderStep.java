package dev.outbox.sample.order;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/** What moves an order from one status to another. */
enum OrderStep {
    PAY("order.paid", OrderStatus.PAID),
    SHIP("order.shipped", OrderStatus.SHIPPED),
    DELIVER("order.delivered", OrderStatus.DELIVERED),
    /** Until the goods have left. */
    CANCEL("order.cancelled", OrderStatus.CANCELLED),
    /** Only where money was taken. */
    REFUND("order.refunded", OrderStatus.REFUNDED);

    private final String eventType;
    private final OrderStatus to;

    OrderStep(String eventType, OrderStatus to) {
        this.eventType = eventType;
        this.to = to;
    }

    private Set<OrderStatus> from() {
        return switch (this) {
            case PAY -> EnumSet.of(OrderStatus.CREATED);
            case SHIP -> EnumSet.of(OrderStatus.PAID);
            case DELIVER -> EnumSet.of(OrderStatus.SHIPPED);
            case CANCEL -> EnumSet.of(OrderStatus.CREATED, OrderStatus.PAID);
            case REFUND -> EnumSet.of(OrderStatus.CANCELLED, OrderStatus.DELIVERED);
        };
    }

    String eventType() {
        return eventType;
    }

    OrderStatus to() {
        return to;
    }

    /** @throws OrderConflictException if the order is not where this step begins */
    void check(Order order) {
        String name = name().toLowerCase(Locale.ROOT);
        if (!from().contains(order.status())) {
            throw new OrderConflictException(
                    "Order is " + order.status() + "; '" + name + "' is possible for " + from());
        }
        if (this == REFUND && order.paidAt() == null) {
            throw new OrderConflictException("Order was never paid, so there is nothing to refund");
        }
    }
}
