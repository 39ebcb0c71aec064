package dev.outbox.consumer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

class UpcastersTest {

    private record Amount(BigDecimal value, String currency) {}

    private record Created(Amount amount) {}

    private record OldCreated(BigDecimal total, @Nullable String currency) {}

    private final List<Object> handled = new ArrayList<>();
    private final EventHandlers handlers = EventHandlers.of("stock")
            .upcast("order.created", "1.0", "1.1", UpcastersTest::addCurrency)
            .upcast("order.created", "1.1", "2.0", UpcastersTest::makeAmount)
            .on("order.created", 2, Created.class, (event, created) -> handled.add(created));

    private static ObjectNode addCurrency(ObjectNode data) {
        return data.put("currency", "EUR");
    }

    private static ObjectNode makeAmount(ObjectNode data) {
        JsonNode total = data.remove("total");
        JsonNode currency = data.remove("currency");
        data.putObject("amount").set("value", total).set("currency", currency);
        return data;
    }

    /** As users' code, which nobody checks, may. */
    @SuppressWarnings({"NullAway", "UnusedVariable"})
    private static ObjectNode forgetToReturn(ObjectNode data) {
        return null;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1.0 | {\"total\":44.80}                                       | EUR",
                "1.1 | {\"total\":44.80,\"currency\":\"USD\"}                  | USD",
                "1.7 | {\"total\":44.80,\"currency\":\"USD\",\"new\":true}     | USD",
                "2.0 | {\"amount\":{\"value\":44.80,\"currency\":\"USD\"}}     | USD",
                "2.9 | {\"amount\":{\"value\":44.80,\"currency\":\"USD\"},\"new\":1} | USD",
            })
    void bringEveryOlderVersionToTheHandler(String version, String json, String currency) throws Exception {
        Events.handle(handlers, Events.created(version, json));
        assertThat(handled).containsExactly(new Created(new Amount(new BigDecimal("44.80"), currency)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"3.0", "0.9"})
    void bringNoVersionThatNoChainStartsFrom(String version) {
        UnsupportedVersionException refused = catchThrowableOfType(
                UnsupportedVersionException.class, () -> handlers.prepare(Events.created(version, "{}")));
        assertThat(refused.supported()).containsExactly("1.0", "1.1+", "2.x");
    }

    @Test
    void skipNoVersion() {
        EventHandlers gap = EventHandlers.of("stock")
                .upcast("order.created", "1.1", "2.0", UpcastersTest::makeAmount)
                .on("order.created", 2, Created.class, (event, created) -> {});
        assertThatThrownBy(() -> gap.prepare(Events.created("1.0", "{}")))
                .isInstanceOf(UnsupportedVersionException.class)
                .hasMessageContaining("supported=[1.1+, 2.x]");
        EventHandlers broken = gap.upcast("order.created", "0.9", "1.0", data -> data);
        assertThatThrownBy(() -> broken.prepare(Events.created("0.9", "{}")))
                .isInstanceOf(UnsupportedVersionException.class)
                .hasMessageContaining("supported=[1.1+, 2.x]");
    }

    @Test
    void stopAtTheHandlerOfTheEventsOwnMajor() throws Exception {
        EventHandlers both = handlers.on("order.created", 1, OldCreated.class, (event, old) -> handled.add(old));
        Events.handle(both, Events.created("1.0", "{\"total\":1}"));
        Events.handle(both, Events.created("1.5", "{\"total\":2}"));
        assertThat(handled)
                .containsExactly(new OldCreated(BigDecimal.ONE, "EUR"), new OldCreated(new BigDecimal(2), null));
    }

    @Test
    void goOnWithinTheMajorThatTheyComeTo() throws Exception {
        EventHandlers more = handlers.upcast("order.created", "2.0", "2.1", data -> {
                    data.withObject("amount").put("currency", "CHF");
                    return data;
                })
                .upcast("order.created", "2.1", "3.0", data -> {
                    throw new AssertionError("the handler is for 2.x");
                });
        Events.handle(more, Events.created("1.0", "{\"total\":1}"));
        Events.handle(more, Events.created("2.1", "{\"amount\":{\"value\":2,\"currency\":\"USD\"}}"));
        assertThat(handled)
                .containsExactly(
                        new Created(new Amount(BigDecimal.ONE, "CHF")),
                        new Created(new Amount(new BigDecimal(2), "USD")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"44.800", "12345678901234567890.12345678901234567890", "1E+2", "0.1"})
    void keepEveryDigit(String number) throws Exception {
        Events.handle(handlers, Events.created("1.0", "{\"total\":" + number + "}"));
        assertThat(handled).containsExactly(new Created(new Amount(new BigDecimal(number), "EUR")));
    }

    @Test
    void leaveTheEventAsItCame() throws Exception {
        EventHandlers seeing = EventHandlers.of("stock")
                .upcast("order.created", "1.0", "2.0", data -> data.put("added", true))
                .on("order.created", 2, JsonNode.class, (event, data) -> {
                    handled.add(event.version());
                    handled.add(event.data());
                    handled.add(data.toString());
                });
        Events.handle(seeing, Events.created("1.0", "{ }"));
        assertThat(handled).containsExactly("1.0", "{ }".getBytes(StandardCharsets.UTF_8), "{\"added\":true}");
    }

    @Test
    void sayWhichOfThemFailedAndNeverThePayload() {
        EventHandlers failing = EventHandlers.of("stock")
                .upcast(
                        "order.created",
                        "1.0",
                        "2.0",
                        data -> data.put("total", data.get("total").intValue()))
                .upcast("order.created", "0.1", "2.0", UpcastersTest::forgetToReturn)
                .on("order.created", 2, JsonNode.class, (event, data) -> {});
        assertThatThrownBy(() -> failing.prepare(Events.created("1.0", "{\"total\":\"secret\"}")))
                .isInstanceOf(UnreadablePayloadException.class)
                .hasMessageContaining("version=1.0")
                .hasMessageContaining("upcaster=1.0->2.0, error=")
                .hasMessageNotContaining("secret")
                .hasNoCause()
                .satisfies(e -> assertThat(e.getStackTrace())
                        .anyMatch(frame -> frame.getClassName().equals(UpcastersTest.class.getName())));
        assertThatThrownBy(() -> failing.prepare(Events.created("0.1", "{}")))
                .isInstanceOf(UnreadablePayloadException.class)
                .hasMessageContaining("upcaster=0.1->2.0, it returned null");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[\"secret\"]", "\"secret\"", "{\"secret\":", "null", "{}secret"})
    void refuseWhatIsNoObject(String json) {
        assertThatThrownBy(() -> handlers.prepare(Events.created("1.0", json)))
                .isInstanceOf(UnreadablePayloadException.class)
                .hasMessageContaining("field=data, it is not ")
                .hasMessageNotContaining("secret");
    }

    @Test
    void areRefusedWhenTheyLeadBackOrNowhere() {
        for (String to : List.of("1.1", "1.0", "0.9")) {
            assertThatThrownBy(() -> handlers.upcast("order.created", "1.1", to, data -> data))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("type=order.created leads from=1.1 to=" + to + ", which is not newer");
        }
        // It would close the cycle 1.0 -> 1.1 -> 2.0 -> 1.0.
        assertThatThrownBy(() -> handlers.upcast("order.created", "2.0", "1.0", data -> data))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("so that chains end");
    }

    @Test
    void areRefusedWhereTheWayWouldFork() {
        assertThatThrownBy(() -> handlers.upcast("order.created", "1.00", "2.0", data -> data))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("has one from=1.0 to=1.1 already");
    }

    @Test
    void areRefusedWithoutTwoVersions() {
        assertThatThrownBy(() -> handlers.upcast("order.created", "1", "2.0", data -> data))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Upcaster refused: type=order.created has from=1, which is not MAJOR.MINOR");
        assertThatThrownBy(() -> handlers.upcast("order.created", "1.2", "v2", data -> data))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("to=v2");
    }

    @Test
    void areRefusedBesideAHandlerThatGetsEveryVersionAsItCame() {
        EventHandlers every = EventHandlers.of("stock").on("order.created", event -> {});
        assertThatThrownBy(() -> every.upcast("order.created", "1.0", "1.1", data -> data))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("every version");
        EventHandlers upcasting = EventHandlers.of("stock").upcast("order.created", "1.0", "1.1", data -> data);
        assertThatThrownBy(() -> upcasting.on("order.created", event -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("upcasters");
    }

    @Test
    void makeNoHandlerByThemselves() throws Exception {
        EventHandlers none = EventHandlers.of("stock").upcast("order.created", "1.0", "1.1", data -> data);
        assertThat(none.types()).isEmpty();
        assertThat(none.prepare(Events.created("1.0", "{}"))).isEmpty();
    }
}
