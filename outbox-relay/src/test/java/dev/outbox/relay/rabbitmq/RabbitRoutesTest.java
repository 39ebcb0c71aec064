package dev.outbox.relay.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RabbitRoutesTest {

    private static RabbitRoutes.Target target(RabbitRoutes routes, String topic, String type, String key) {
        return routes.lookup().target(topic, type, key, "shop");
    }

    @Test
    void withoutARouteTheTopicIsTheExchangeAndTheTypeIsTheRoutingKey() {
        RabbitRoutes.Target target = target(RabbitRoutes.usual(), "orders", "order.created", "k");
        assertThat(target.exchange()).isEqualTo("orders");
        assertThat(target.routingKey()).isEqualTo("order.created");
        assertThat(target.label()).isEqualTo("orders:order.created");
        assertThat(target.route().mandatory()).isTrue();
        assertThat(target.route().declare()).isFalse();
    }

    @Test
    void theFirstRouteThatMatchesCounts() {
        RabbitRoutes routes = RabbitRoutes.of(List.of(
                RabbitRoute.to("first", "a").forTopic("order?").forType("order.*"),
                RabbitRoute.to("second", "b").forTopic("order*"),
                RabbitRoute.to("third", "c")));
        assertThat(target(routes, "orders", "order.created", "k").exchange()).isEqualTo("first");
        assertThat(target(routes, "orders", "refund.made", "k").exchange()).isEqualTo("second");
        assertThat(target(routes, "order-lines", "order.created", "k").exchange())
                .isEqualTo("second");
        assertThat(target(routes, "xorders", "order.created", "k").exchange()).isEqualTo("third");
    }

    /** A glob is no regular expression, and a message's own text is no template. */
    @Test
    void nothingButTheWildcardsAndVariablesIsSpecial() {
        RabbitRoutes routes = RabbitRoutes.of(
                List.of(RabbitRoute.to("x-{topic}", "{key}.$1\\{source}").forTopic("a.b+[c]*")));
        RabbitRoutes.Target target = target(routes, "a.b+[c] d", "t", "${key}{type}\\");
        assertThat(target.exchange()).isEqualTo("x-a.b+[c] d");
        assertThat(target.routingKey()).isEqualTo("${key}{type}\\.$1\\shop");
        assertThat(target(routes, "aXb+[c]", "t", "k").exchange()).isEqualTo("aXb+[c]");
    }

    @Test
    void aKeyIsFilledInForEachMessageAndStaysOutOfTheReceipt() {
        RabbitRoutes.Lookup lookup =
                RabbitRoutes.of(List.of(RabbitRoute.to("hash", "{key}"))).lookup();
        RabbitRoutes.Target first = lookup.target("orders", "t", "k1", "shop");
        RabbitRoutes.Target second = lookup.target("orders", "t", "k2", "shop");
        assertThat(List.of(first.routingKey(), second.routingKey())).containsExactly("k1", "k2");
        assertThat(List.of(first.label(), second.label())).containsExactly("hash:*", "hash:*");
        assertThat(lookup.target("orders", "t", null, "shop").routingKey()).isEmpty();
    }

    @Test
    void aNameWithALineBreakIsRefused() {
        assertThatThrownBy(() -> target(RabbitRoutes.usual(), "a\nb", "t", "k"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("line break");
    }

    @Test
    void theDefaultExchangeIsAQueue() {
        RabbitRoutes routes = RabbitRoutes.of(List.of(RabbitRoute.to("", "{topic}-commands")));
        RabbitRoutes.Target target = target(routes, "shipping", "t", "k");
        assertThat(target.isQueue()).isTrue();
        assertThat(target.label()).isEqualTo("shipping-commands");
    }

    @Test
    void onlyWhatHasAFixedNameIsDeclaredFromTheStart() {
        RabbitRoutes routes = RabbitRoutes.of(List.of(
                RabbitRoute.to("fixed", "{type}").withDeclare(true),
                RabbitRoute.to("{topic}", "{type}").withDeclare(true),
                RabbitRoute.to("", "queue").withDeclare(true),
                RabbitRoute.to("", "{topic}").withDeclare(true),
                RabbitRoute.to("other", "")));
        assertThat(routes.declaredFromTheStart())
                .extracting(target -> target.exchange() + "/" + target.routingKey())
                .containsExactly("fixed/{type}", "/queue");
    }

    @Test
    void aNameThatIsTooLongForAmqpIsRefusedWithItsLimit() {
        RabbitRoutes.Lookup lookup =
                RabbitRoutes.of(List.of(RabbitRoute.to("hash", "{key}"))).lookup();
        assertThat(lookup.target("orders", "t", "é".repeat(127), "shop").routingKey())
                .hasSize(127);
        assertThatThrownBy(() -> lookup.target("orders", "t", "é".repeat(128), "shop"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("routing key has 256 bytes")
                .hasMessageContaining("at most 255");
    }

    @ParameterizedTest
    @CsvSource({
        "{topc}, x, unknown variable",
        "x, {key, brace without its partner",
        "'', '', names no queue",
    })
    void aRouteThatMakesNoSenseIsRefused(String exchange, String routingKey, String why) {
        assertThatThrownBy(() -> RabbitRoute.to(exchange, routingKey))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(why);
    }
}
