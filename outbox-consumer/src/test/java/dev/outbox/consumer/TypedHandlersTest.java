package dev.outbox.consumer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.outbox.OutboxException;
import dev.outbox.inbox.Inbox;
import dev.outbox.inbox.InboxSettings;
import dev.outbox.inbox.InboxTransactions;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

class TypedHandlersTest {

    private record Created(String orderId, @Nullable BigDecimal total) {}

    private record Amount(BigDecimal value, String currency) {}

    private record CreatedTwo(String orderId, Amount amount) {}

    private record Line(String sku, int quantity) {}

    private record Lines(List<Line> items, Map<String, Integer> notes) {}

    record Required(String currency) {
        Required {
            Objects.requireNonNull(currency, "secret");
        }
    }

    private final List<Object> handled = new ArrayList<>();
    private final EventHandlers handlers = EventHandlers.of("stock")
            .on("order.created", 1, Created.class, (event, created, connection) -> handled.add(created))
            .on("order.created", 2, CreatedTwo.class, (event, created) -> handled.add(created));

    @Test
    void readThePayloadOfTheirMajorVersion() throws Exception {
        Events.handle(handlers, Events.created("1.0", "{\"orderId\":\"o\",\"total\":44.80}"));
        Events.handle(
                handlers,
                Events.created("2.0", "{\"orderId\":\"o\",\"amount\":{\"value\":44.80,\"currency\":\"EUR\"}}"));
        BigDecimal value = new BigDecimal("44.80");
        assertThat(handled).containsExactly(new Created("o", value), new CreatedTwo("o", new Amount(value, "EUR")));
        assertThat(handlers.types()).containsExactly("order.created");
    }

    @Test
    void passOverWhatANewerMinorVersionAdds() throws Exception {
        Events.handle(handlers, Events.created("1.99999", "{\"orderId\":\"o\",\"total\":1,\"new\":{\"deep\":[1]}}"));
        assertThat(handled).containsExactly(new Created("o", BigDecimal.ONE));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.9", "3.0", "10.0", "no version"})
    void refuseAVersionThatNoneOfThemIsFor(String version) {
        UnsupportedVersionException refused = catchThrowableOfType(
                UnsupportedVersionException.class, () -> handlers.prepare(Events.created(version, "\"secret\"")));
        assertThat(refused.type()).isEqualTo("order.created");
        assertThat(refused.version()).isEqualTo(version);
        assertThat(refused.supported()).containsExactly("1.x", "2.x");
        assertThat(refused)
                .isInstanceOf(OutboxException.class)
                .hasMessage("Version not supported: id=e-1, type=order.created, version=" + version
                        + ", supported=[1.x, 2.x]; nothing was done");
    }

    @Test
    void leaveATypeWithoutHandlerToWhomeverItConcerns() throws Exception {
        byte[] data = {'1'};
        assertThat(handlers.prepare(Events.event("order.other", "7.0", data, "application/json")))
                .isEmpty();
    }

    @Test
    void standBesideHandlersOfEveryVersionAndOfBytes() throws Exception {
        byte[] avro = {0, 1, -1};
        EventHandlers more = handlers.on("order.shipped", event -> handled.add(event.version()));
        Events.handle(more, Events.event("order.shipped", "9.3", avro, "application/avro"));
        Events.handle(more, Events.event("order.shipped", "1.0", null, "application/json"));
        assertThat(handled).containsExactly("9.3", "1.0");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"items\":\"secret\"}                                 | data.items",
                "{\"items\":[{\"quantity\":1},{\"quantity\":\"secret\"}]} | data.items[1].quantity",
                "{\"items\":[{\"sku\":\"secret\"}]}                     | data.items[0].quantity",
                "{\"notes\":{\"secret\":\"secret\"}}                    | data.notes.*",
                "[\"secret\"]                                           | data",
                "{\"secret\":                                           | data",
                "{} \"secret\"                                          | data",
                "null                                                   | data",
            })
    void nameTheFieldThatTheyCannotReadAndNeverThePayload(String json, String field) {
        EventHandlers lines = EventHandlers.of("stock").on("order.created", 1, Lines.class, (event, read) -> {});
        UnreadablePayloadException unreadable = catchThrowableOfType(
                UnreadablePayloadException.class, () -> lines.prepare(Events.created("1.4", json)));
        assertThat(unreadable.field()).isEqualTo(field);
        assertThat(unreadable.eventId()).isEqualTo("e-1");
        assertThat(unreadable.type()).isEqualTo("order.created");
        assertThat(unreadable.version()).isEqualTo("1.4");
        assertThat(unreadable)
                .hasMessageStartingWith("Payload not readable: id=e-1, type=order.created, version=1.4, field=" + field
                        + ", class=Lines, ")
                .hasMessageNotContaining("secret")
                .hasNoCause();
    }

    @Test
    void letTheClassOfThePayloadRefuseWhatLacksAField() {
        EventHandlers strict = EventHandlers.of("stock").on("order.created", 1, Required.class, (event, read) -> {});
        assertThatThrownBy(() -> strict.prepare(Events.created("1.0", "{}")))
                .isInstanceOf(UnreadablePayloadException.class)
                .hasMessageContaining("class=Required, error=NullPointerException")
                .hasMessageNotContaining("secret")
                .satisfies(e -> assertThat(e.getStackTrace())
                        .anyMatch(frame -> frame.getClassName().equals(Required.class.getName())));
    }

    @Test
    void refuseWhatIsNotJson() {
        byte[] avro = "secret".getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> handlers.prepare(Events.event("order.created", "1.0", avro, "application/avro")))
                .isInstanceOf(UnreadablePayloadException.class)
                .hasMessageContaining("contentType=application/avro")
                .hasMessageNotContaining("secret");
        assertThatThrownBy(() -> handlers.prepare(Events.event("order.created", "1.0", null, "application/json")))
                .isInstanceOf(UnreadablePayloadException.class)
                .hasMessageContaining("tombstone");
    }

    @Test
    void takeAReaderOfTheirUsersWheneverItIsGiven() throws Exception {
        JsonMapper snakes = JsonMapper.builder()
                .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                .build();
        EventHandlers read = handlers.withPayloadReader(PayloadReader.jackson(snakes))
                .on("order.changed", 1, Created.class, (event, changed) -> handled.add(changed));
        Events.handle(read, Events.created("1.0", "{\"order_id\":\"o\"}"));
        byte[] data = "{\"order_id\":\"p\"}".getBytes(StandardCharsets.UTF_8);
        Events.handle(read, Events.event("order.changed", "1.0", data, "application/json"));
        assertThat(handled).containsExactly(new Created("o", null), new Created("p", null));
    }

    @Test
    void areRefusedWhereOneIsAlreadyAndOutOfBounds() {
        assertThatThrownBy(() -> handlers.on("order.created", 2, Created.class, (event, created) -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Handler refused: type=order.created has one for major=2 already");
        assertThatThrownBy(() -> handlers.on("order.created", event -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Handler refused: type=order.created has one already");
        EventHandlers every = EventHandlers.of("stock").on("order.created", event -> {});
        assertThatThrownBy(() -> every.on("order.created", 1, Created.class, (event, created) -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Handler refused: type=order.created has one for every version already");
        for (int major : new int[] {-1, 100_000}) {
            assertThatThrownBy(() -> handlers.on("order.created", major, Created.class, (event, created) -> {}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("limit=0..99999");
        }
    }

    @Test
    void failBeforeATransactionIsBegun() {
        Inbox inbox = Inbox.over(new NoTransactions(), InboxSettings.defaults());
        EventReceiver receiver = new EventReceiver(inbox, handlers);
        assertThatThrownBy(() -> receiver.receive(Events.created("3.0", "{}")))
                .isInstanceOf(UnsupportedVersionException.class);
        assertThatThrownBy(() -> receiver.receive(Events.created("1.0", "[]")))
                .isInstanceOf(UnreadablePayloadException.class);
    }

    private static final class NoTransactions implements InboxTransactions {
        @Override
        public <R extends @Nullable Object> R inTransaction(Body<R> body) {
            throw new AssertionError("a transaction was begun");
        }
    }
}
