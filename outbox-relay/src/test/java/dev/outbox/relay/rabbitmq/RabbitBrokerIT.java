package dev.outbox.relay.rabbitmq;

import static dev.outbox.relay.Patience.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.GetResponse;
import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.BrokerContract;
import dev.outbox.relay.broker.BrokerUnavailableException;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import dev.outbox.testkit.RabbitOptions;
import dev.outbox.testkit.RabbitServer;
import dev.outbox.testkit.TcpProxy;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RabbitBrokerIT extends BrokerContract {

    private static RabbitServer rabbit;
    private static Connection connection;

    @BeforeAll
    static void startServer() throws IOException, TimeoutException {
        rabbit = RabbitServer.start(RabbitOptions.defaults()
                .asNativeOnly()
                .withSetting("max_message_size", String.valueOf(SIZE_MAX))
                .withPlugins("rabbitmq_consistent_hash_exchange"));
        connection = rabbit.connectionFactory().newConnection();
    }

    @AfterAll
    static void closeServer() throws IOException {
        connection.close();
        rabbit.close();
    }

    private static RabbitSettings settings() {
        return RabbitSettings.of(rabbit.host() + ":" + rabbit.port()).withLogin(rabbit.user(), rabbit.password());
    }

    @Override
    protected Broker broker(Envelope.Format format) {
        return RabbitBroker.of(settings(), RabbitRoutes.usual(), format);
    }

    private static RabbitBroker broker(RabbitRoute... routes) {
        return RabbitBroker.of(settings(), RabbitRoutes.of(List.of(routes)), Envelope.Format.JSON);
    }

    @Override
    protected Broker unreachable() {
        return RabbitBroker.of(RabbitSettings.of("127.0.0.1:1"), RabbitRoutes.usual(), Envelope.Format.JSON);
    }

    /** An exchange, and a queue of the same name that gets everything. */
    @Override
    protected String newTopic() {
        return newTopic("topic", "#");
    }

    private static String newTopic(String exchangeType, String routingKey) {
        String topic = RabbitServer.uniqueName("contract");
        onChannel(channel -> {
            channel.exchangeDeclare(topic, exchangeType, true);
            channel.queueDeclare(topic, true, false, false, Map.of());
            channel.queueBind(topic, topic, routingKey);
        });
        return topic;
    }

    @Override
    protected List<Received> receive(String topic, int count) {
        return responses(topic, count).stream().map(RabbitBrokerIT::received).toList();
    }

    private static List<GetResponse> responses(String queue, int count) {
        List<GetResponse> responses = new ArrayList<>();
        onChannel(channel -> await().until(() -> {
            for (GetResponse next = channel.basicGet(queue, true); next != null; next = channel.basicGet(queue, true)) {
                responses.add(next);
            }
            return responses.size() >= count;
        }));
        return responses;
    }

    private static Received received(GetResponse response) {
        BasicProperties properties = response.getProps();
        Map<String, String> headers = new HashMap<>();
        properties.getHeaders().forEach((name, value) -> headers.put(name.replaceFirst("^x-", ""), value.toString()));
        headers.put("event-id", properties.getMessageId());
        headers.put("event-type", properties.getType());
        headers.put("content-type", properties.getContentType());
        assertThat(properties.getDeliveryMode()).isEqualTo(2);
        boolean tombstone = headers.containsKey("tombstone");
        return new Received(headers.get("key"), tombstone ? null : response.getBody(), headers);
    }

    private interface OnChannel {
        void run(Channel channel) throws Exception;
    }

    private static void onChannel(OnChannel work) {
        try (Channel channel = connection.createChannel()) {
            work.run(channel);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void whatNoQueueTakesIsTheMessagesOwnFault() {
        String topic = newTopic("topic", "other.#");
        try (Broker broker = broker()) {
            Failure failure = outcome(broker, message(topic, "k", "1")).orElseThrow();
            assertThat(failure.kind()).isEqualTo(Failure.Kind.MESSAGE);
            assertThat(failure.error()).contains("no queue takes it", topic, "thing.happened", "bind a queue");
        }
    }

    @Test
    void whatNoQueueTakesIsDroppedWhereTheRouteSaysSo() {
        String topic = newTopic("topic", "other.#");
        try (Broker broker = broker(RabbitRoute.to("{topic}", "{type}").withMandatory(false))) {
            assertThat(outcome(broker, message(topic, "k", "1"))).isEmpty();
        }
    }

    @Test
    void aMissingExchangeIsTheTopicsFaultAndLeavesOthersInFlightAlone() {
        String topic = newTopic();
        String missing = RabbitServer.uniqueName("missing");
        try (Broker broker = broker();
                var session = broker.open()) {
            Answer first = new Answer();
            Answer gone = new Answer();
            Answer last = new Answer();
            session.send(message(topic, "k", "1"), first);
            session.send(message(missing, "k", "2"), gone);
            session.send(message(topic, "k", "3"), last);
            session.flush();
            await().until(() -> first.answered() && gone.answered() && last.answered());
            assertThat(first.accepted()).isTrue();
            assertThat(last.accepted()).isTrue();
            assertThat(gone.failure().orElseThrow().kind()).isEqualTo(Failure.Kind.TOPIC);
            assertThat(gone.failure().orElseThrow().error()).contains("404", missing, "declare the exchange");
            assertThat(session.usable()).isTrue();
        }
    }

    @Test
    void anExchangeThatVanishesUnderASessionIsTheTopicsFault() {
        String topic = newTopic();
        try (Broker broker = broker();
                var session = broker.open()) {
            Answer before = new Answer();
            session.send(message(topic, "k", "1"), before);
            session.flush();
            await().until(before::accepted);
            onChannel(channel -> channel.exchangeDelete(topic));
            Answer after = new Answer();
            session.send(message(topic, "k", "2"), after);
            session.flush();
            await().until(after::answered);
            assertThat(after.failure().orElseThrow().kind()).isEqualTo(Failure.Kind.TOPIC);
            assertThat(session.usable()).isFalse();
        }
    }

    @Test
    void anExchangeThatIsForbiddenIsTheTopicsFault() {
        String topic = newTopic();
        rabbit.defaultVirtualHost().addUser("limited", "secret", "", "else.*", ".*");
        RabbitSettings limited = settings().withLogin("limited", "secret");
        try (Broker broker = RabbitBroker.of(limited, RabbitRoutes.usual(), Envelope.Format.JSON)) {
            Failure failure = outcome(broker, message(topic, "k", "1")).orElseThrow();
            assertThat(failure.kind()).isEqualTo(Failure.Kind.TOPIC);
            assertThat(failure.error()).contains("403", topic, "limited");
        }
    }

    @Test
    void aWrongPasswordIsAnOutageThatSaysWhy() {
        Broker broker = RabbitBroker.of(
                settings().withLogin(rabbit.user(), "wrong-password"), RabbitRoutes.usual(), Envelope.Format.JSON);
        assertThatThrownBy(broker::open)
                .isInstanceOf(BrokerUnavailableException.class)
                .hasMessageContaining("user=" + rabbit.user())
                .hasMessageNotContaining("wrong-password")
                .rootCause()
                .hasMessageContaining("ACCESS_REFUSED")
                .hasMessageNotContaining("wrong-password");
    }

    @Test
    void aVirtualHostThatIsNotThereIsAnOutageThatSaysWhy() {
        Broker broker =
                RabbitBroker.of(settings().withVirtualHost("nowhere"), RabbitRoutes.usual(), Envelope.Format.JSON);
        assertThatThrownBy(broker::open)
                .isInstanceOf(BrokerUnavailableException.class)
                .satisfies(thrown -> assertThat(
                                Failure.of(Failure.Kind.OUTAGE, Objects.requireNonNull(thrown.getCause()))
                                        .error())
                        .contains("nowhere"));
    }

    @Test
    void aFullQueueThatRefusesIsAnOutageOfThatMessageAlone() {
        String topic = newTopic();
        String full = RabbitServer.uniqueName("full");
        onChannel(channel -> {
            channel.exchangeDeclare(full, "topic", true);
            channel.queueDeclare(full, true, false, false, Map.of("x-max-length", 1, "x-overflow", "reject-publish"));
            channel.queueBind(full, full, "#");
        });
        try (Broker broker = broker();
                var session = broker.open()) {
            Answer first = new Answer();
            session.send(message(full, "k", "1"), first);
            session.flush();
            await().until(first::accepted);
            Answer refused = new Answer();
            Answer other = new Answer();
            session.send(message(full, "k", "2"), refused);
            session.send(message(topic, "k", "3"), other);
            session.flush();
            await().until(() -> refused.answered() && other.answered());
            assertThat(refused.failure().orElseThrow().kind()).isEqualTo(Failure.Kind.OUTAGE);
            assertThat(other.accepted()).isTrue();
            assertThat(session.usable()).isTrue();
        }
    }

    @Test
    void routesToAQueueAFanoutAHeadersAndAHashExchange() {
        String fanout = newTopic("fanout", "");
        String direct = newTopic("direct", "thing.happened.test");
        String queue = RabbitServer.uniqueName("queue");
        String hash = RabbitServer.uniqueName("hash");
        try (Broker broker = broker(
                RabbitRoute.to("", "{topic}").forTopic("queue-*").withDeclare(true),
                RabbitRoute.to(fanout, "").forTopic("to-all"),
                RabbitRoute.to(direct, "{type}.{source}").forTopic("direct").forType("thing.*"),
                RabbitRoute.to(hash, "{key}")
                        .forTopic("hash")
                        .withExchangeType("x-consistent-hash")
                        .withDeclare(true))) {
            assertThat(outcome(broker, message(queue, "k", "1"))).isEmpty();
            assertThat(outcome(broker, message("to-all", "k", "2"))).isEmpty();
            assertThat(outcome(broker, message("direct", "k", "3"))).isEmpty();
            onChannel(channel -> {
                for (int n = 1; n <= 2; n++) {
                    channel.queueDeclare(hash + n, true, false, false, Map.of());
                    channel.queueBind(hash + n, hash, "1");
                }
            });
            for (int n = 0; n < 20; n++) {
                assertThat(outcome(broker, message("hash", "key" + n % 10, "4")))
                        .isEmpty();
            }
        }
        assertThat(receive(queue, 1)).hasSize(1);
        assertThat(receive(fanout, 1)).hasSize(1);
        assertThat(receive(direct, 1)).hasSize(1);
        List<Received> one = receive(hash + 1, 1);
        List<Received> two = receive(hash + 2, 1);
        assertThat(one.size() + two.size()).isEqualTo(20);
        assertThat(one)
                .extracting(Received::key)
                .doesNotContainAnyElementsOf(two.stream().map(Received::key).toList());
    }

    @Test
    void aQueueThatIsNotThereIsTheTopicsFaultAndComesBackOnceItIs() {
        String queue = RabbitServer.uniqueName("later");
        try (Broker broker = broker(RabbitRoute.to("", queue))) {
            Failure failure = outcome(broker, message("any", "k", "1")).orElseThrow();
            assertThat(failure.kind()).isEqualTo(Failure.Kind.TOPIC);
            assertThat(failure.error()).contains(queue);
            onChannel(channel -> channel.queueDeclare(queue, true, false, false, Map.of()));
            assertThat(outcome(broker, message("any", "k", "1"))).isEmpty();
        }
    }

    @Test
    void whatIsThereInAnotherFormIsAClearErrorAtTheStart() {
        String topic = newTopic("fanout", "");
        RabbitBroker broker = broker(RabbitRoute.to(topic, "{type}").withDeclare(true));
        assertThatThrownBy(broker::prepare)
                .isInstanceOf(RouteMismatchException.class)
                .hasMessageContaining("exchange=" + topic)
                .hasMessageContaining("'fanout'")
                .hasMessageContaining("change the route, or delete the exchange");
        assertThat(outcome(broker, message(topic, "k", "1")).orElseThrow().kind())
                .isEqualTo(Failure.Kind.OUTAGE);
    }

    @Test
    void aHeaderThatRabbitMqRoutesByIsRefused() {
        String topic = newTopic();
        Message odd = new Message(
                1,
                bytes("01939c6e-8c5a-7b3c-9d2e-0123456789ab"),
                topic,
                null,
                bytes("a.b"),
                bytes("1.0"),
                0,
                null,
                null,
                bytes("test"),
                bytes("{\"CC\":\"elsewhere\"}"),
                bytes("1"),
                null,
                bytes("application/json"),
                null);
        try (Broker broker = broker()) {
            Failure failure = outcome(broker, odd).orElseThrow();
            assertThat(failure.kind()).isEqualTo(Failure.Kind.MESSAGE);
            assertThat(failure.error()).contains("CC");
        }
    }

    private static Message message(
            String topic, @Nullable String key, String type, String contentType, String headers) {
        return new Message(
                1,
                bytes("01939c6e-8c5a-7b3c-9d2e-0123456789ab"),
                topic,
                key == null ? null : bytes(key),
                bytes(type),
                bytes("1.0"),
                0,
                bytes(contentType),
                bytes(contentType),
                bytes(contentType),
                bytes(headers),
                bytes("1"),
                null,
                bytes(contentType),
                null);
    }

    /** So a short alarm makes nothing go twice. */
    @Test
    void whatIsOnItsWayWhenRabbitMqBlocksIsConfirmedOnceItReadsOn() {
        String topic = newTopic();
        List<Answer> answers = new ArrayList<>();
        try (Broker broker = broker();
                var session = broker.open()) {
            rabbit.setMemoryAlarm(true);
            try {
                await().until(() -> {
                    Answer answer = new Answer();
                    Optional<Failure> refusal = session.send(message(topic, "k", "1"), answer);
                    session.flush();
                    if (refusal.isEmpty()) {
                        answers.add(answer);
                    }
                    refusal.ifPresent(
                            failure -> assertThat(failure.errorClass()).isEqualTo("Blocked"));
                    return refusal.isPresent();
                });
                assertThat(session.usable()).as("more may be confirmed").isTrue();
            } finally {
                rabbit.setMemoryAlarm(false);
            }
            await().until(() -> answers.stream().allMatch(Answer::answered));
            int accepted = (int) answers.stream().filter(Answer::accepted).count();
            assertThat(accepted).isPositive();
            onChannel(channel -> assertThat(channel.messageCount(topic)).isEqualTo(accepted));
            assertThat(session.usable()).isFalse();
        }
    }

    @Test
    void theProbeHearsOfAnAlarm() {
        rabbit.setMemoryAlarm(true);
        try {
            assertThat(RabbitProbe.of(settings()).ask().objection())
                    .get()
                    .asString()
                    .contains("blocks publishers", "memory");
        } finally {
            rabbit.setMemoryAlarm(false);
        }
        await().untilAsserted(() ->
                assertThat(RabbitProbe.of(settings()).ask().objection()).isEmpty());
    }

    /** The default exchange, or a queue that RabbitMQ makes up, would be something else than what the route says. */
    @Test
    void aNameThatTheMessageLeavesEmptyOrBreaksIsTheMessagesOwnFault() {
        Message keyless = message("orders", null, "a.b", "text/plain", "{}");
        Message broken = message("orders\n", "k\r", "a.b", "text/plain", "{}");
        RabbitRoute toQueue = RabbitRoute.to("", "{key}").withDeclare(true).withQueueType("classic");
        RabbitRoute toExchange = RabbitRoute.to("{key}", "x").withDeclare(true);
        for (RabbitRoute route : List.of(toQueue, toExchange)) {
            try (Broker broker = broker(route)) {
                assertThat(outcome(broker, keyless)).get().satisfies(failure -> {
                    assertThat(failure.kind()).isEqualTo(Failure.Kind.MESSAGE);
                    assertThat(failure.error()).contains("has no name", "{key}", "give it a key");
                });
                assertThat(outcome(broker, broken)).get().satisfies(failure -> {
                    assertThat(failure.kind()).isEqualTo(Failure.Kind.MESSAGE);
                    assertThat(failure.error()).contains("line break");
                });
            }
        }
    }

    /** Whatever the outbox takes goes out, or is refused alone, on a session that goes on. */
    @Test
    void hostileTextGoesOutAsItIs() {
        String topic = newTopic();
        String longest = "é".repeat(127) + "x";
        try (Broker broker = broker();
                var session = broker.open()) {
            List<Answer> answers = new ArrayList<>();
            for (Message hostile : List.of(
                    message(topic, "k".repeat(1024), longest, longest, "{}"),
                    message(topic, "'\"\n\u0001", "#.*.\n", "\u0001\n", "{}"),
                    message(topic, "k", "a.b", "x", "{\"\":\"\",\"x-death\":\"\",\"x-delay\":\"x\",\"cc\":\"x\"}"),
                    message(topic, "k", "a.b", "x", "{\"" + longest + "\":\"" + "v".repeat(32_000) + "\"}"),
                    message(topic, "k", "a.b", "x", "{\"\\u0000\":\"\\u0000\"}"),
                    message(topic, "k", "a.b", "x", "{\"n\":1e999,\"o\":{\"a\":[null,true]},\"z\":null}"))) {
                Answer answer = new Answer();
                assertThat(session.send(hostile, answer)).isEmpty();
                answers.add(answer);
            }
            for (String name : List.of("x" + longest, "\\ud800")) {
                assertThat(session.send(message(topic, "k", "a.b", "x", "{\"" + name + "\":\"v\"}"), new Answer()))
                        .get()
                        .satisfies(failure -> assertThat(failure.kind()).isEqualTo(Failure.Kind.MESSAGE));
            }
            session.flush();
            await().until(() -> answers.stream().allMatch(Answer::answered));
            assertThat(answers).allMatch(Answer::accepted);
            assertThat(session.usable()).isTrue();
        }
    }

    @Test
    void aTypeOfExchangeThatRabbitMqDoesNotHaveIsAClearErrorAtTheStart() {
        try (RabbitBroker broker = broker(RabbitRoute.to(RabbitServer.uniqueName("odd"), "x")
                .withExchangeType("x-nonsense")
                .withDeclare(true))) {
            assertThatThrownBy(broker::prepare)
                    .isInstanceOf(RouteMismatchException.class)
                    .hasMessageContaining("x-nonsense")
                    .hasMessageContaining("enable the plugin");
        }
    }

    @Test
    void addressesAreTriedInTheirOrder() {
        try (TcpProxy first = TcpProxy.to(rabbit.host(), rabbit.port());
                TcpProxy second = TcpProxy.to(rabbit.host(), rabbit.port());
                Broker broker = RabbitBroker.of(
                        RabbitSettings.of("127.0.0.1:" + first.port(), "127.0.0.1:" + second.port())
                                .withLogin(rabbit.user(), rabbit.password()),
                        RabbitRoutes.usual(),
                        Envelope.Format.JSON)) {
            for (int n = 0; n < 10; n++) {
                try (var session = broker.open()) {
                    assertThat(session.usable()).isTrue();
                    assertThat(second.connections()).isZero();
                }
            }
        }
    }

    /** If it was found in the midst of a page, later messages would go ahead of earlier ones. */
    @Test
    void whatIsMissingStaysMissingAsLongAsMessagesForItKeepComing() throws IOException {
        String topic = RabbitServer.uniqueName("later");
        RabbitRoutes.Target target = RabbitRoutes.usual().lookup().target(topic, "a.b", "k", "test");
        AtomicLong tenths = new AtomicLong();
        Destinations destinations = new Destinations(connection, () -> tenths.get() * 100_000_000);
        assertThat(destinations.missing(target)).isPresent();
        onChannel(channel -> channel.exchangeDeclare(topic, "topic", true));
        for (int n = 0; n < 20; n++) {
            tenths.incrementAndGet();
            assertThat(destinations.missing(target))
                    .as("tenths of a second: %s", tenths)
                    .isPresent();
        }
        tenths.addAndGet(10);
        assertThat(destinations.missing(target)).isEmpty();
    }
}
