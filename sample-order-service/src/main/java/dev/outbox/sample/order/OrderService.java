package dev.outbox.sample.order;

import dev.outbox.Outbox;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/**
 * What can be done with orders. Each change and the events that tell of it are one transaction: without the outbox, a
 * crash between the two would leave an order that nobody heard of, or an event of an order that does not exist.
 */
@Service
class OrderService {

    private static final int ITEMS_MAX = 50;

    private final OrderStore store;
    private final Outbox outbox;

    OrderService(OrderStore store, Outbox outbox) {
        this.store = store;
        this.outbox = outbox;
    }

    @Transactional
    public Order place(NewOrder wanted) {
        UUID id = UUID.randomUUID();
        store.insert(
                id,
                wanted.customer(),
                wanted.items().stream().map(NewItem::toItem).toList());
        Order order = get(id);
        outbox.append(OrderEvents.created(order));
        return order;
    }

    @Transactional
    public Order step(UUID id, OrderStep step) {
        Order before = lock(id);
        step.check(before);
        store.updateStatus(id, step.to());
        Order after = get(id);
        outbox.appendAll(OrderEvents.stepped(step, before.status(), after));
        return after;
    }

    @Transactional
    public Order addItem(UUID id, NewItem wanted) {
        Order before = lockOpen(id);
        if (before.item(wanted.sku()).isPresent()) {
            throw new OrderConflictException("Order has an item " + wanted.sku() + " already");
        }
        if (before.items().size() >= ITEMS_MAX) {
            throw new OrderConflictException("Order has " + ITEMS_MAX + " items, which is the most");
        }
        Order.Item item = wanted.toItem();
        store.insertItem(id, item);
        store.touch(id);
        Order after = get(id);
        outbox.append(OrderEvents.itemAdded(after, item));
        return after;
    }

    @Transactional
    public Order removeItem(UUID id, String sku) {
        Order before = lockOpen(id);
        Order.Item item = before.item(sku).orElseThrow(() -> new OrderConflictException("Order has no item " + sku));
        if (before.items().size() == 1) {
            throw new OrderConflictException("Order has no other item; cancel it instead");
        }
        store.deleteItem(id, sku);
        store.touch(id);
        Order after = get(id);
        outbox.append(OrderEvents.itemRemoved(after, item));
        return after;
    }

    @Transactional(readOnly = true)
    public Order get(UUID id) {
        return store.find(id).orElseThrow(() -> new OrderNotFoundException(id));
    }

    @Transactional(readOnly = true)
    public List<Order> list(@Nullable OrderStatus status, int limit) {
        return store.list(status, limit);
    }

    private Order lock(UUID id) {
        return store.lock(id).orElseThrow(() -> new OrderNotFoundException(id));
    }

    private Order lockOpen(UUID id) {
        Order order = lock(id);
        if (order.status() != OrderStatus.CREATED) {
            throw new OrderConflictException("Order is " + order.status() + "; its items change only while CREATED");
        }
        return order;
    }
}
