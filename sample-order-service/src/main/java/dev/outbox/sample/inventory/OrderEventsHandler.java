package dev.outbox.sample.inventory;

import dev.outbox.consumer.ReceivedEvent;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the inventory does when something happened to an order. Runs in the transaction that the inbox began for the
 * event; {@code JdbcClient} takes part in it by itself.
 *
 * <p>The records here name what the inventory needs of an event, and nothing else: the order service may add to its
 * events without asking.
 */
@Component
class OrderEventsHandler {

    private record Created(UUID orderId, List<Line> items) {}

    private record Line(String sku, int quantity) {}

    private record ItemChanged(UUID orderId, String sku, int quantity) {}

    private record Stepped(UUID orderId) {}

    private final StockStore stock;
    private final JsonMapper json;

    OrderEventsHandler(StockStore stock, JsonMapper json) {
        this.stock = stock;
        this.json = json;
    }

    void created(ReceivedEvent event) {
        Created created = read(event, Created.class);
        created.items().forEach(line -> stock.reserve(created.orderId(), line.sku(), line.quantity()));
    }

    void itemAdded(ReceivedEvent event) {
        ItemChanged added = read(event, ItemChanged.class);
        stock.reserve(added.orderId(), added.sku(), added.quantity());
    }

    void itemRemoved(ReceivedEvent event) {
        ItemChanged removed = read(event, ItemChanged.class);
        stock.release(removed.orderId(), removed.sku());
    }

    void cancelled(ReceivedEvent event) {
        stock.release(read(event, Stepped.class).orderId(), null);
    }

    void shipped(ReceivedEvent event) {
        stock.ship(read(event, Stepped.class).orderId());
    }

    private <T> T read(ReceivedEvent event, Class<T> type) {
        byte[] data = Objects.requireNonNull(event.data(), "an event of this type has data");
        return json.readValue(data, type);
    }
}
