package dev.outbox.sample.inventory;

import dev.outbox.consumer.EventHandlers;
import dev.outbox.consumer.ReceivedEvent;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.springframework.stereotype.Component;

/**
 * What the inventory does when something happened to an order. Runs in the transaction that the inbox began for the
 * event; {@code JdbcClient} takes part in it by itself.
 *
 * <p>The records here name what the inventory needs of an event and refuse what lacks it, and nothing else: the order
 * service may add to its events without asking.
 */
@Component
class OrderEventsHandler {

    record Created(UUID orderId, List<Line> items) {
        Created {
            Objects.requireNonNull(orderId);
            Objects.requireNonNull(items);
        }
    }

    record Line(String sku, int quantity) {
        Line {
            Objects.requireNonNull(sku);
        }
    }

    record ItemChanged(UUID orderId, String sku, int quantity) {
        ItemChanged {
            Objects.requireNonNull(orderId);
            Objects.requireNonNull(sku);
        }
    }

    record Stepped(UUID orderId) {
        Stepped {
            Objects.requireNonNull(orderId);
        }
    }

    private final StockStore stock;

    OrderEventsHandler(StockStore stock) {
        this.stock = stock;
    }

    /** Which event goes where. */
    EventHandlers handlers() {
        return EventHandlers.of("inventory-stock")
                .on("order.created", 1, Created.class, this::created)
                .on("order.item_added", 1, ItemChanged.class, this::itemAdded)
                .on("order.item_removed", 1, ItemChanged.class, this::itemRemoved)
                .on("order.cancelled", 1, Stepped.class, this::cancelled)
                .on("order.shipped", 1, Stepped.class, this::shipped);
    }

    private void created(ReceivedEvent event, Created created) {
        created.items().forEach(line -> stock.reserve(created.orderId(), line.sku(), line.quantity()));
    }

    private void itemAdded(ReceivedEvent event, ItemChanged added) {
        stock.reserve(added.orderId(), added.sku(), added.quantity());
    }

    private void itemRemoved(ReceivedEvent event, ItemChanged removed) {
        stock.release(removed.orderId(), removed.sku());
    }

    private void cancelled(ReceivedEvent event, Stepped cancelled) {
        stock.release(cancelled.orderId(), null);
    }

    private void shipped(ReceivedEvent event, Stepped shipped) {
        stock.ship(shipped.orderId());
    }
}
