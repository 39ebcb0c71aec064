package dev.outbox.sample.order;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class OrderStepTest {

    @Test
    void allowsExactlyTheseSteps() {
        List<String> allowed = new ArrayList<>();
        for (OrderStatus from : OrderStatus.values()) {
            for (OrderStep step : OrderStep.values()) {
                if (isAllowed(order(from, Instant.EPOCH), step)) {
                    allowed.add(from + " -" + step + "-> " + step.to());
                }
            }
        }
        assertThat(allowed)
                .containsExactlyInAnyOrder(
                        "CREATED -PAY-> PAID",
                        "PAID -SHIP-> SHIPPED",
                        "SHIPPED -DELIVER-> DELIVERED",
                        "CREATED -CANCEL-> CANCELLED",
                        "PAID -CANCEL-> CANCELLED",
                        "CANCELLED -REFUND-> REFUNDED",
                        "DELIVERED -REFUND-> REFUNDED");
    }

    @Test
    void refundsNothingThatWasNeverPaid() {
        assertThatThrownBy(() -> OrderStep.REFUND.check(order(OrderStatus.CANCELLED, null)))
                .isInstanceOf(OrderConflictException.class)
                .hasMessageContaining("never paid");
    }

    private static boolean isAllowed(Order order, OrderStep step) {
        try {
            step.check(order);
            return true;
        } catch (OrderConflictException e) {
            return false;
        }
    }

    private static Order order(OrderStatus status, @Nullable Instant paidAt) {
        List<Order.Item> items = List.of(new Order.Item("pen", 1, BigDecimal.ONE));
        return new Order(UUID.randomUUID(), "Ada", status, items, paidAt, Instant.EPOCH, Instant.EPOCH);
    }
}
