package dev.outbox.sample.order;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** An order as it is stored, and as it is shown. */
record Order(
        UUID id,
        String customer,
        OrderStatus status,
        List<Item> items,
        @Nullable Instant paidAt,
        Instant createdAt,
        Instant changedAt) {

    /** A line of an order; each sku has one. */
    record Item(String sku, int quantity, BigDecimal unitPrice) {}

    Order {
        items = List.copyOf(items);
    }

    /** What the customer pays. */
    public BigDecimal getTotal() {
        return items.stream()
                .map(item -> item.unitPrice().multiply(BigDecimal.valueOf(item.quantity())))
                .reduce(BigDecimal.ZERO, BigDecimal::add);
    }

    Optional<Item> item(String sku) {
        return items.stream().filter(item -> item.sku().equals(sku)).findFirst();
    }
}
