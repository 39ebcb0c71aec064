package dev.outbox.consumer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class EventHandlersTest {

    @Test
    void leavesTheHandlersItStartedFromAlone() {
        EventHandlers none = EventHandlers.of("stock");
        EventHandlers one = none.on("order.created", event -> {});
        EventHandlers two = one.on("order.cancelled", (event, connection) -> {});
        assertThat(none.types()).isEmpty();
        assertThat(one.types()).containsExactly("order.created");
        assertThat(two.types()).containsExactlyInAnyOrder("order.created", "order.cancelled");
        assertThat(two.consumer()).isEqualTo("stock");
    }

    @Test
    void refusesASecondHandlerOfOneType() {
        EventHandlers one = EventHandlers.of("stock").on("order.created", event -> {});
        assertThatThrownBy(() -> one.on("order.created", event -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("order.created");
    }

    @Test
    void refusesANameThatTheInboxCannotHold() {
        assertThatThrownBy(() -> EventHandlers.of("")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> EventHandlers.of("x".repeat(256))).isInstanceOf(IllegalArgumentException.class);
    }
}
