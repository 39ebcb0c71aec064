package dev.outbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class MessageEncoderTest {

    private static final Instant NOW = Instant.parse("2026-01-15T10:30:00.123456789Z");
    private static final OutboxMessage MESSAGE =
            OutboxMessage.of("orders", "order.created", "order-1", Map.of("id", "order-1"));

    private final OutboxSettings settings =
            OutboxSettings.of("order-service").withClock(Clock.fixed(NOW, ZoneOffset.UTC));

    static java.util.List<BadMessages.Case> badMessages() {
        return BadMessages.all();
    }

    @ParameterizedTest
    @MethodSource("badMessages")
    void refusesABadMessageNamingFieldAndLimit(BadMessages.Case bad) {
        assertThatThrownBy(() -> new MessageEncoder(settings).encode(bad.message()))
                .isInstanceOfSatisfying(InvalidMessageException.class, e -> {
                    assertThat(e.field()).isEqualTo(bad.field());
                    assertThat(e.limit()).contains(bad.limit());
                    assertThat(e.actual()).isNotEmpty();
                    assertThat(e.index()).isEmpty();
                    assertThat(e.getMessage())
                            .startsWith("Message refused: field=" + bad.field() + ", limit=" + e.limit())
                            .hasSizeLessThan(700)
                            .doesNotContain("xxxxxxxxxx");
                });
    }

    @Test
    void tellsWhyAnObjectCouldNotBeSerialized() {
        OutboxMessage message = OutboxMessage.of("orders", "order.created", "k", new BadMessages.Cyclic());
        assertThatThrownBy(() -> new MessageEncoder(settings).encode(message))
                .hasMessageContaining("field=payload")
                .hasMessageContaining("BadMessages$Cyclic")
                .hasCauseInstanceOf(tools.jackson.core.JacksonException.class);
    }

    @Test
    void neverShowsThePayloadOfARefusedMessage() {
        OutboxMessage message = OutboxMessage.ofJson("orders", "order.created", "k", "{\"card\":secret}");
        assertThatThrownBy(() -> new MessageEncoder(settings).encode(message))
                .hasMessageContaining("an error before character")
                .hasMessageNotContaining("secret")
                .hasNoCause();
    }

    @Test
    void refusesWhatASerializerOfOnesOwnMakesOfIt() {
        OutboxSettings odd = settings.withSerializer(payload -> "not json");
        assertThatThrownBy(() -> new MessageEncoder(odd).encode(MESSAGE))
                .isInstanceOf(InvalidMessageException.class)
                .hasMessageContaining("field=payload");
    }

    @Test
    void cutsTheTimeToMicrosecondsAndTakesItFromTheClock() {
        assertThat(new MessageEncoder(settings).encode(MESSAGE).occurredAt()).isEqualTo("2026-01-15T10:30:00.123456Z");
        assertThat(new MessageEncoder(settings)
                        .encode(MESSAGE.withOccurredAt(Instant.EPOCH))
                        .occurredAt())
                .isEqualTo("1970-01-01T00:00:00Z");
    }

    @Test
    @SuppressWarnings("try")
    void fillsInFromTheContextWhatTheMessageHasNot() {
        OutboxSettings placed = settings.withInstance("pod-1").withEnvironment("test");
        MessageContext context = MessageContext.empty()
                .withCorrelationId("corr")
                .withCausationId("cause")
                .withHeader("traceparent", "00-1")
                .withHeader("tenant", "of the context");
        try (MessageContext.Scope scope = context.open()) {
            Row filled = new MessageEncoder(placed).encode(MESSAGE.withHeader("tenant", "of the message"));
            assertThat(filled.correlationId()).isEqualTo("corr");
            assertThat(filled.causationId()).isEqualTo("cause");
            assertThat(filled.headers())
                    .isEqualTo("{\"instance\":\"pod-1\",\"environment\":\"test\","
                            + "\"traceparent\":\"00-1\",\"tenant\":\"of the message\"}");
            Row own = new MessageEncoder(settings)
                    .encode(MESSAGE.withCorrelationId("own").withCausationId("its"));
            assertThat(own.correlationId()).isEqualTo("own");
            assertThat(own.causationId()).isEqualTo("its");
            try (MessageContext.Scope inner = MessageContext.empty().open()) {
                assertThat(MessageContext.current().correlationId()).isEmpty();
            }
            assertThat(MessageContext.current()).isSameAs(context);
        }
        assertThat(MessageContext.current()).isSameAs(MessageContext.empty());
        Row bare = new MessageEncoder(settings).encode(MESSAGE);
        assertThat(bare.correlationId()).isNull();
        assertThat(bare.headers()).isNull();
    }

    @Test
    void takesTypesOfAnotherPattern() {
        OutboxSettings free = settings.withTypePattern(Pattern.compile("[A-Za-z]+"));
        OutboxMessage message = OutboxMessage.of("orders", "OrderCreated", null, 1);
        assertThat(new MessageEncoder(free).encode(message).type()).isEqualTo("OrderCreated");
    }

    @Test
    void messagesAreValues() {
        byte[] body = {1};
        OutboxMessage message = OutboxMessage.ofBytes("orders", "order.created", "k", body, "application/avro");
        body[0] = 2;
        message.withChannel("other").withHeader("a", "b");
        Row row = new MessageEncoder(settings).encode(message);
        assertThat(row.body()).containsExactly(1);
        assertThat(row.channel()).isEqualTo("default");
        assertThat(row.headers()).isNull();
        assertThat(message.toString()).contains("topic=orders").doesNotContain("key");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Outbox", "1a", "a-b", "a\"b", "a;drop", "a\n", "é"})
    void refusesASchemaThatIsNoPlainIdentifier(String schema) {
        assertThatThrownBy(() -> settings.withSchema(schema))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("schema");
    }

    @Test
    void refusesSettingsOutOfBounds() {
        assertThatThrownBy(() -> OutboxSettings.of("")).hasMessageContaining("source");
        assertThatThrownBy(() -> settings.withPayloadBytesMax(16 * 1024 * 1024 + 1))
                .hasMessageContaining("payloadBytesMax");
        assertThatThrownBy(() -> settings.withInstance("a\nb")).hasMessageContaining("instance");
        assertThatThrownBy(() -> settings.withSchema("s".repeat(64))).hasMessageContaining("schema");
    }
}
