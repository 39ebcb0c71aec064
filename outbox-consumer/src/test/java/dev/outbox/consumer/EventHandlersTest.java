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

    @Test
    void ignoresATypeWithoutHandlerUnlessItIsToRefuseIt() throws Exception {
        EventHandlers one = EventHandlers.of("stock").on("order.cancelled", event -> {});
        assertThat(one.prepare(Events.created("1.0", "{}"))).isEmpty();

        EventHandlers refusing = one.withUnknownTypes(OnUnknownType.REFUSE)
                .upcast("order.created", "1.0", "1.1", data -> data)
                .withPayloadReader(PayloadReader.jackson());
        assertThatThrownBy(() -> refusing.prepare(Events.created("1.0", "{\"secret\":1}")))
                .isInstanceOfSatisfying(
                        UnknownTypeException.class, e -> assertThat(e.type()).isEqualTo("order.created"))
                .hasMessage("Type has no handler: id=e-1, type=order.created, consumer=stock; nothing was done");
        assertThat(refusing.prepare(Events.event("order.cancelled", "1.0", null, "application/json")))
                .isPresent();
        assertThat(refusing.withUnknownTypes(OnUnknownType.IGNORE).prepare(Events.created("1.0", "{}")))
                .isEmpty();
    }
}
