package dev.outbox.consumer.rabbitmq;

import static dev.outbox.consumer.rabbitmq.RabbitFixture.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Address;
import com.rabbitmq.client.ConnectionFactory;
import dev.outbox.consumer.EffectTable;
import dev.outbox.consumer.EventHandlers;
import dev.outbox.consumer.EventReceiver;
import dev.outbox.consumer.JdbcEventHandler;
import dev.outbox.consumer.OnMalformed;
import dev.outbox.consumer.OnUnknownType;
import dev.outbox.consumer.ReceivedEvent;
import dev.outbox.consumer.ReceiverListener;
import dev.outbox.consumer.RecordingListener;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.RabbitServer;
import dev.outbox.testkit.TcpProxy;
import dev.outbox.testkit.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OutboxServers.class)
@SuppressWarnings("JavaUtilDate") // the client's own type
class RabbitReceiverIT {

    private final RabbitServer rabbit;
    private final RabbitFixture fixture;
    private final RecordingListener listener = new RecordingListener();

    RabbitReceiverIT(TestDatabase database, RabbitServer rabbit) throws Exception {
        this.rabbit = rabbit;
        this.fixture = new RabbitFixture(database, rabbit);
    }

    @AfterEach
    void closeFixture() throws Exception {
        fixture.close();
    }

    @Test
    void makesTheEffectOnceHoweverOftenAnEventIsDelivered() throws Exception {
        fixture.publish("a", "b", "a", "c", "b");
        try (RabbitReceiver receiver = start(fixture.settings(), EffectTable::record)) {
            awaitHeard("HANDLED c", "DUPLICATE a", "DUPLICATE b");
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(fixture.effects()).containsExactly("a", "b", "c");
        assertThat(fixture.left()).isEmpty();
    }

    @Test
    void dropsTheDuplicateWhenTheConnectionDiesBetweenCommitAndAcknowledgement() throws Exception {
        fixture.publish("a", "b");
        try (TcpProxy proxy = TcpProxy.to(rabbit.host(), rabbit.port())) {
            // One at a time, so that what follows comes only after the acknowledgement.
            RabbitReceiverSettings settings = fixture.settings(through(proxy)).withPrefetch(1);
            ReceiverListener cutting = new ReceiverListener() {
                @Override
                public void received(ReceivedEvent event, EventReceiver.Outcome outcome) {
                    listener.received(event, outcome);
                    if (listener.heard().size() == 1) {
                        proxy.cut();
                    }
                }
            };
            try (RabbitReceiver receiver =
                    RabbitReceiver.start(settings, fixture.inbox(), handlers(EffectTable::record), cutting)) {
                awaitHeard("HANDLED b");
                assertThat(receiver.stopped()).isNotDone();
            }
        }
        assertThat(listener.heard()).containsExactly("HANDLED a", "DUPLICATE a", "HANDLED b");
        assertThat(fixture.effects()).containsExactly("a", "b");
        assertThat(fixture.left()).isEmpty();
    }

    @Test
    void acknowledgesNothingBeforeTheCommit() throws Exception {
        CountDownLatch written = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        fixture.publish("a");
        try (TcpProxy proxy = TcpProxy.to(rabbit.host(), rabbit.port())) {
            try (RabbitReceiver receiver = start(fixture.settings(through(proxy)), (event, connection) -> {
                EffectTable.record(event, connection);
                written.countDown();
                goOn.await();
            })) {
                written.await();
                proxy.refuse();
                // The server has it back, so it was not acknowledged.
                await().until(() -> fixture.ready() == 1);
                goOn.countDown();
                awaitHeard("HANDLED a");
                proxy.resume();
                awaitHeard("DUPLICATE a");
                assertThat(receiver.stopped()).isNotDone();
            }
        }
        assertThat(fixture.effects()).containsExactly("a");
        assertThat(fixture.left()).isEmpty();
    }

    @Test
    void retriesAFailingEventInPlace() throws Exception {
        AtomicBoolean broken = new AtomicBoolean(true);
        fixture.publish("first", "failing", "behind");
        try (RabbitReceiver receiver = start(fixture.settings(), (event, connection) -> {
            EffectTable.record(event, connection);
            if (event.id().equals("failing") && broken.get()) {
                throw new IllegalStateException("not yet");
            }
        })) {
            awaitHeard("failed failing 3");
            assertThat(fixture.effects()).containsExactly("first");
            broken.set(false);
            awaitHeard("HANDLED behind");
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(fixture.effects()).containsExactly("first", "failing", "behind");
        assertThat(fixture.left()).isEmpty();
    }

    @Test
    void keepsItsConnectionWhileAHandlerTakesLongerThanSeveralHeartbeats() throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        fixture.publish("slow");
        RabbitReceiverSettings settings = fixture.settings().withHeartbeat(Duration.ofSeconds(2));
        try (RabbitReceiver receiver = start(settings, (event, connection) -> {
            goOn.await();
            EffectTable.record(event, connection);
        })) {
            awaitHeard("assigned 1");
            // The server gives a client up that it has not heard of for two or three heartbeats.
            await().during(Duration.ofSeconds(7)).until(() -> listener.heard().equals(List.of("assigned 1")));
            goOn.countDown();
            awaitHeard("HANDLED slow");
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(listener.heard()).containsExactly("assigned 1", "HANDLED slow");
        assertThat(fixture.left()).isEmpty();
    }

    @Test
    void holdsTheQueueAtAVersionThatItDoesNotKnowUntilAHandlerIsThere() throws Exception {
        fixture.publish("a");
        EventHandlers newer =
                EventHandlers.of(fixture.name()).on(RabbitFixture.TYPE, 2, Map.class, (event, data) -> {});
        try (RabbitReceiver receiver = RabbitReceiver.start(fixture.settings(), fixture.inbox(), newer, listener)) {
            awaitHeard("failed a 2");
            assertThat(receiver.stopped()).isNotDone();
        }
        EventHandlers both = newer.on(
                RabbitFixture.TYPE, 1, Map.class, (event, data, connection) -> EffectTable.record(event, connection));
        try (RabbitReceiver receiver = RabbitReceiver.start(fixture.settings(), fixture.inbox(), both, listener)) {
            awaitHeard("HANDLED a");
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(fixture.effects()).containsExactly("a");
        assertThat(fixture.left()).isEmpty();
    }

    @Test
    void holdsTheQueueAtAMessageThatIsNotAnEventUntilSomebodyActs() throws Exception {
        fixture.publish("before");
        fixture.publish(RabbitFixture.json("bad"), "not an event".getBytes(StandardCharsets.UTF_8));
        fixture.publish("behind");
        String bad = fixture.name() + ":thing.happened>" + fixture.name() + "#bad";
        try (RabbitReceiver receiver = start(fixture.settings(), EffectTable::record)) {
            awaitHeard("malformed " + bad + " 3");
            assertThat(fixture.effects()).containsExactly("before");
            assertThat(receiver.stopped()).isNotDone();
        }
        try (RabbitReceiver receiver =
                start(fixture.settings().withOnMalformed(OnMalformed.SKIP), EffectTable::record)) {
            awaitHeard("HANDLED behind");
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(listener.heard()).contains("skipped " + bad);
        assertThat(fixture.effects()).containsExactly("before", "behind");
        assertThat(fixture.left()).isEmpty();
    }

    @Test
    void handsOverTombstonesAndBinaryContentWithKeyAndHeaders() throws Exception {
        List<ReceivedEvent> events = new CopyOnWriteArrayList<>();
        byte[] avro = {0, 1, -1};
        fixture.publish(described("binary", "application/avro", Map.of("x-key", "k", "x-sequence", 41L)), avro);
        fixture.publish(
                described("gone", "application/json", Map.of("x-key", "k", "x-tombstone", true, "traceparent", "00-a")),
                new byte[0]);
        try (RabbitReceiver receiver = start(fixture.settings(), (event, connection) -> events.add(event))) {
            awaitHeard("HANDLED gone");
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(events).extracting(ReceivedEvent::key).containsExactly("k", "k");
        assertThat(events.get(0).data()).isEqualTo(avro);
        assertThat(events.get(0).contentType()).isEqualTo("application/avro");
        assertThat(events.get(0).source()).isEqualTo("test");
        assertThat(events.get(0).headers()).containsEntry("sequence", "41").containsEntry("x-retry-count", "0");
        assertThat(events.get(1).isTombstone()).isTrue();
        assertThat(events.get(1).headers()).containsEntry("traceparent", "00-a");
    }

    @Test
    void receivesEventsInEveryForm() throws Exception {
        List<ReceivedEvent> events = new CopyOnWriteArrayList<>();
        byte[] content = "{\"n\":1}".getBytes(StandardCharsets.UTF_8);
        fixture.publish("envelope");
        fixture.publish(
                RabbitFixture.json("none")
                        .builder()
                        .appId("test")
                        .headers(Map.of("x-event-version", "1.0", "x-occurred-at", "2026-01-15T10:30:00Z"))
                        .build(),
                content);
        String structured = """
                {"specversion":"1.0","id":"structured","type":"%s","source":"/test","time":"2026-01-15T10:30:00Z",\
                "data":{"n":1}}""".formatted(RabbitFixture.TYPE);
        fixture.publish(
                new AMQP.BasicProperties.Builder()
                        .contentType("application/cloudevents+json")
                        .build(),
                structured.getBytes(StandardCharsets.UTF_8));
        fixture.publish(
                new AMQP.BasicProperties.Builder()
                        .contentType("application/json")
                        .headers(Map.of(
                                "cloudEvents:specversion", "1.0",
                                "cloudEvents:id", "binary",
                                "cloudEvents:type", RabbitFixture.TYPE,
                                "cloudEvents:source", "/test",
                                "cloudEvents:time", Date.from(Instant.parse("2026-01-15T10:30:00Z"))))
                        .build(),
                content);
        try (RabbitReceiver receiver = start(fixture.settings(), (event, connection) -> {
            EffectTable.record(event, connection);
            events.add(event);
        })) {
            awaitHeard("HANDLED binary");
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(fixture.effects()).containsExactly("envelope", "none", "structured", "binary");
        assertThat(events).extracting(ReceivedEvent::occurredAt).containsOnly(Instant.parse("2026-01-15T10:30:00Z"));
        for (ReceivedEvent event : events.subList(1, 4)) {
            assertThat(event.data()).isEqualTo(content);
        }
        assertThat(fixture.left()).isEmpty();
    }

    @Test
    void passesByWhatHasNoHandler() throws Exception {
        fixture.publish("other");
        EventHandlers none = EventHandlers.of(fixture.name()).on("other.type", (event, connection) -> {
            throw new IllegalStateException("not for this one");
        });
        try (RabbitReceiver receiver = RabbitReceiver.start(fixture.settings(), fixture.inbox(), none, listener)) {
            awaitHeard("NO_HANDLER other");
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(fixture.left()).isEmpty();
    }

    @Test
    void keepsWhatHasNoHandlerWhenItIsToRefuseIt() throws Exception {
        fixture.publish("other");
        EventHandlers refusing = EventHandlers.of(fixture.name())
                .withUnknownTypes(OnUnknownType.REFUSE)
                .on("other.type", event -> {
                    throw new IllegalStateException("not for this one");
                });
        try (RabbitReceiver receiver = RabbitReceiver.start(fixture.settings(), fixture.inbox(), refusing, listener)) {
            awaitHeard("failed other 2");
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(fixture.left()).containsExactly("other");
    }

    @Test
    void finishesTheEventInHandWhenItIsClosedAndGivesTheOthersBack() throws Exception {
        CountDownLatch inHand = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        fixture.publish("e0", "e1", "e2", "e3");
        RabbitReceiver receiver = start(fixture.settings(), (event, connection) -> {
            inHand.countDown();
            goOn.await();
            EffectTable.record(event, connection);
        });
        inHand.await();
        await().until(() -> fixture.ready() == 0);
        Thread closer = new Thread(receiver::close);
        closer.start();
        await().until(() -> closer.getState() == Thread.State.TIMED_WAITING);
        goOn.countDown();
        closer.join();

        assertThat(receiver.stopped()).succeedsWithin(RabbitFixture.PATIENCE);
        assertThat(fixture.effects()).containsExactly("e0");
        assertThat(fixture.left()).containsExactly("e1", "e2", "e3");
    }

    @Test
    void interruptsAHandlerThatDoesNotEndAndKeepsNothingOfIt() throws Exception {
        CountDownLatch inHand = new CountDownLatch(1);
        fixture.publish("endless");
        RabbitReceiver receiver =
                start(fixture.settings().withCloseTimeout(Duration.ofMillis(50)), (event, connection) -> {
                    EffectTable.record(event, connection);
                    inHand.countDown();
                    new CountDownLatch(1).await();
                });
        inHand.await();
        receiver.close();
        assertThat(receiver.stopped()).succeedsWithin(RabbitFixture.PATIENCE);
        assertThat(listener.heard()).contains("closed late");
        assertThat(fixture.effects()).isEmpty();
        assertThat(fixture.left()).containsExactly("endless");
    }

    @Test
    void doesNotWaitForTheNextAttemptWhenItIsClosed() throws Exception {
        fixture.publish("failing");
        RabbitReceiverSettings patient = fixture.settings().withRetry(Duration.ofHours(1), Duration.ofHours(1));
        RabbitReceiver receiver = start(patient, (event, connection) -> {
            throw new IllegalStateException("not today");
        });
        awaitHeard("failed failing 1");
        receiver.close();
        assertThat(receiver.stopped()).succeedsWithin(RabbitFixture.PATIENCE);
        assertThat(listener.heard()).doesNotContain("closed late");
        assertThat(fixture.left()).containsExactly("failing");
    }

    @Test
    void makesEveryEffectOnceWhileReceiversComeAndGo() throws Exception {
        List<String> ids = IntStream.range(0, 150).mapToObj(n -> "e" + n).toList();
        RabbitReceiverSettings settings = fixture.settings().withPrefetch(10);
        List<RabbitReceiver> receivers = new ArrayList<>();
        try {
            receivers.add(start(settings, EffectTable::record));
            fixture.publish(ids.subList(0, 50).toArray(String[]::new));
            receivers.add(start(settings, EffectTable::record));
            fixture.publish(ids.subList(50, 100).toArray(String[]::new));
            receivers.remove(0).close();
            fixture.publish(ids.subList(100, 150).toArray(String[]::new));
            await().until(() -> fixture.effects().size() == ids.size());
        } finally {
            receivers.forEach(RabbitReceiver::close);
        }
        assertThat(fixture.effects()).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(fixture.left()).isEmpty();
    }

    @Test
    void standsByForTheActiveConsumerWhereTheQueueHasOnlyOne() throws Exception {
        QueueDeclaration single = fixture.declaration().withArguments(Map.of("x-single-active-consumer", true));
        fixture.onChannel(channel -> channel.queueDelete(fixture.name()));
        List<String> handled = new CopyOnWriteArrayList<>();
        RabbitReceiverSettings settings = fixture.settings().withDeclaration(single);
        RabbitReceiver active = start(settings, (event, connection) -> handled.add("active " + event.id()));
        awaitHeard("assigned 1");
        try (RabbitReceiver standby = start(settings, (event, connection) -> handled.add("standby " + event.id()))) {
            await().until(() -> listener.heard().equals(List.of("assigned 1", "assigned 1")));
            fixture.publish("a", "b");
            awaitHeard("HANDLED b");
            active.close();
            fixture.publish("c");
            awaitHeard("HANDLED c");
            assertThat(standby.stopped()).isNotDone();
        } finally {
            active.close();
        }
        assertThat(handled).containsExactly("active a", "active b", "standby c");
    }

    @Test
    void findsTheNodeThatIsThere() throws Exception {
        fixture.publish("a");
        List<Address> nodes = List.of(new Address("127.0.0.1", 1), new Address(rabbit.host(), rabbit.port()));
        try (RabbitReceiver receiver = start(fixture.settings().withAddresses(nodes), EffectTable::record)) {
            awaitHeard("HANDLED a");
            assertThat(receiver.stopped()).isNotDone();
        }
    }

    @Test
    void declaresAgainWhatSomebodyDeletes() throws Exception {
        fixture.publish("a");
        try (RabbitReceiver receiver = start(fixture.settings(), EffectTable::record)) {
            awaitHeard("HANDLED a");
            fixture.onChannel(channel -> channel.queueDelete(fixture.name()));
            await().until(() ->
                    listener.heard().stream().filter("assigned 1"::equals).count() == 2);
            fixture.publish("b");
            awaitHeard("HANDLED b");
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(listener.heard()).anyMatch(line -> line.startsWith("outage ") && line.contains("was deleted"));
    }

    @Test
    void waitsForAQueueThatItDoesNotDeclare() throws Exception {
        fixture.onChannel(channel -> channel.queueDelete(fixture.name()));
        RabbitReceiverSettings settings = RabbitReceiverSettings.of(rabbit.connectionFactory(), fixture.name());
        try (RabbitReceiver receiver = start(settings, EffectTable::record)) {
            awaitOutage("NOT_FOUND - no queue '" + fixture.name() + "'", "withDeclaration");
            fixture.onChannel(channel -> fixture.declaration().declare(channel, fixture.name()));
            fixture.publish("a");
            awaitHeard("HANDLED a");
            assertThat(receiver.stopped()).isNotDone();
        }
    }

    @Test
    void saysWhatIsThereInAnotherWayAndGoesOnWhenThatIsMended() throws Exception {
        fixture.publish("lost with its queue");
        RabbitReceiverSettings classic =
                fixture.settings().withDeclaration(QueueDeclaration.classic(fixture.name(), List.of("#")));
        try (RabbitReceiver receiver = start(classic, EffectTable::record)) {
            awaitOutage("inequivalent arg 'x-queue-type'", "code=406");
            fixture.onChannel(channel -> channel.queueDelete(fixture.name()));
            awaitHeard("assigned 1");
            fixture.publish("a");
            awaitHeard("HANDLED a");
            assertThat(receiver.stopped()).isNotDone();
        }
    }

    @Test
    void saysThatItsAccessWasRefused() {
        ConnectionFactory stranger = rabbit.connectionFactory();
        stranger.setPassword("wrong");
        try (RabbitReceiver receiver = start(fixture.settings(stranger), EffectTable::record)) {
            awaitOutage("ACCESS_REFUSED", "password");
            assertThat(receiver.stopped()).isNotDone();
        }
        ConnectionFactory elsewhere = rabbit.connectionFactory();
        elsewhere.setVirtualHost("no-such-host");
        try (RabbitReceiver receiver = start(fixture.settings(elsewhere), EffectTable::record)) {
            awaitOutage("vhost no-such-host not found");
            assertThat(receiver.stopped()).isNotDone();
        }
    }

    private RabbitReceiver start(RabbitReceiverSettings settings, JdbcEventHandler handler) {
        return RabbitReceiver.start(settings, fixture.inbox(), handlers(handler), listener);
    }

    private EventHandlers handlers(JdbcEventHandler handler) {
        return EventHandlers.of(fixture.name()).on(RabbitFixture.TYPE, handler);
    }

    private void awaitHeard(String... lines) {
        await().until(() -> listener.heard().containsAll(List.of(lines)));
    }

    private void awaitOutage(String... texts) {
        await().until(() -> listener.heard().stream()
                .anyMatch(line ->
                        line.startsWith("outage ") && List.of(texts).stream().allMatch(line::contains)));
    }

    private ConnectionFactory through(TcpProxy proxy) {
        ConnectionFactory server = rabbit.connectionFactory();
        server.setHost("127.0.0.1");
        server.setPort(proxy.port());
        return server;
    }

    private static AMQP.BasicProperties described(String id, String contentType, Map<String, Object> headers) {
        Map<String, Object> all = new HashMap<>(headers);
        all.putAll(Map.of(
                "x-event-version",
                "1.0",
                "x-source-service",
                "test",
                "x-occurred-at",
                "2026-01-15T10:30:00Z",
                "x-retry-count",
                0));
        return RabbitFixture.json(id)
                .builder()
                .contentType(contentType)
                .headers(all)
                .build();
    }
}
