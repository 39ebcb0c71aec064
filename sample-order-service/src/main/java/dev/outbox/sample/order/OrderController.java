package dev.outbox.sample.order;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Pattern;
import java.net.URI;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Orders over HTTP. */
@RestController
@RequestMapping("/orders")
class OrderController {

    private final OrderService orders;

    OrderController(OrderService orders) {
        this.orders = orders;
    }

    @PostMapping
    ResponseEntity<Order> place(@Valid @RequestBody NewOrder wanted) {
        Order order = orders.place(wanted);
        return ResponseEntity.created(URI.create("/orders/" + order.id())).body(order);
    }

    @GetMapping("/{id}")
    Order get(@PathVariable UUID id) {
        return orders.get(id);
    }

    @GetMapping
    List<Order> list(
            @RequestParam(required = false) @Nullable OrderStatus status,
            @RequestParam(defaultValue = "20") @Min(1) @Max(100) int limit) {
        return orders.list(status, limit);
    }

    @PostMapping("/{id}/pay")
    Order pay(@PathVariable UUID id) {
        return orders.step(id, OrderStep.PAY);
    }

    @PostMapping("/{id}/ship")
    Order ship(@PathVariable UUID id) {
        return orders.step(id, OrderStep.SHIP);
    }

    @PostMapping("/{id}/deliver")
    Order deliver(@PathVariable UUID id) {
        return orders.step(id, OrderStep.DELIVER);
    }

    @PostMapping("/{id}/cancel")
    Order cancel(@PathVariable UUID id) {
        return orders.step(id, OrderStep.CANCEL);
    }

    @PostMapping("/{id}/refund")
    Order refund(@PathVariable UUID id) {
        return orders.step(id, OrderStep.REFUND);
    }

    @PostMapping("/{id}/items")
    Order addItem(@PathVariable UUID id, @Valid @RequestBody NewItem item) {
        return orders.addItem(id, item);
    }

    @DeleteMapping("/{id}/items/{sku}")
    Order removeItem(@PathVariable UUID id, @PathVariable @Pattern(regexp = NewItem.SKU) String sku) {
        return orders.removeItem(id, sku);
    }
}
