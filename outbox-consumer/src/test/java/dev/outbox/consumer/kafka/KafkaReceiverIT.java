package dev.outbox.consumer.kafka;

import static dev.outbox.consumer.kafka.ReceiverFixture.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.MessageContext;
import dev.outbox.consumer.EffectTable;
import dev.outbox.consumer.EventHandlers;
import dev.outbox.consumer.JdbcEventHandler;
import dev.outbox.consumer.OnMalformed;
import dev.outbox.consumer.ReceivedEvent;
import dev.outbox.consumer.RecordingListener;
import dev.outbox.testkit.JavaCommand;
import dev.outbox.testkit.JavaProcess;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

@ExtendWith(OutboxServers.class)
class KafkaReceiverIT {

    private final TestDatabase database;
    private final KafkaServer kafka;
    private final ReceiverFixture fixture;
    private final RecordingListener listener = new RecordingListener();

    KafkaReceiverIT(TestDatabase database, KafkaServer kafka) {
        this.database = database;
        this.kafka = kafka;
        this.fixture = new ReceiverFixture(database, kafka, 2);
    }

    @AfterEach
    void closeFixture() {
        fixture.close();
    }

    @Test
    void makesTheEffectOnceHoweverOftenAnEventIsDelivered() throws Exception {
        for (String id : List.of("a", "b", "a", "c", "b")) {
            fixture.produce(0, id);
        }
        fixture.produce(1, "a");
        try (KafkaReceiver receiver = start(fixture.settings(), EffectTable::record)) {
            await().until(() -> fixture.committed(0) == 5 && fixture.committed(1) == 1);
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(fixture.effects()).containsExactlyInAnyOrder("a", "b", "c");
        assertThat(listener.heard())
                .filteredOn(line -> line.startsWith("DUPLICATE"))
                .hasSize(3);
    }

    @Test
    void makesTheEffectOnceWhenItCrashesBetweenEffectAndCommit() throws Exception {
        fixture.produce(0, "a");
        fixture.produce(0, "b");
        JavaCommand crashing = JavaCommand.ofClass(CrashBeforeCommit.class.getName())
                .withJvmOptions("-Xmx64m")
                .withArguments(
                        database.jdbcUrl(),
                        database.user(),
                        database.password(),
                        kafka.bootstrapServers(),
                        fixture.topic());
        try (JavaProcess process = JavaProcess.start(crashing)) {
            assertThat(process.awaitExit(ReceiverFixture.PATIENCE)).hasValue(CrashBeforeCommit.EXIT_CODE);
        }
        assertThat(fixture.effects()).containsExactly("a");
        assertThat(fixture.committed(0)).isEqualTo(-1);

        // The dead member's session (45 s unless set) has to run out first; a test need not wait for that.
        removeDeadMembers();
        try (KafkaReceiver receiver = start(fixture.settings(), EffectTable::record)) {
            await().until(() -> fixture.committed(0) == 2);
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(fixture.effects()).containsExactly("a", "b");
        assertThat(listener.heard()).contains("DUPLICATE a", "HANDLED b");
    }

    @Test
    void retriesAFailingEventInPlaceWhileOtherPartitionsFlow() throws Exception {
        AtomicBoolean broken = new AtomicBoolean(true);
        fixture.produce(0, "first");
        fixture.produce(0, "failing");
        fixture.produce(0, "behind");
        try (KafkaReceiver receiver = start(fixture.settings(), (event, connection) -> {
            EffectTable.record(event, connection);
            if (event.id().equals("failing") && broken.get()) {
                throw new IllegalStateException("not yet");
            }
        })) {
            await().until(() -> listener.heard().contains("failed failing 2"));
            fixture.produce(1, "other-1");
            fixture.produce(1, "other-2");
            await().until(() -> fixture.committed(1) == 2);
            assertThat(fixture.effects()).containsExactly("first", "other-1", "other-2");
            assertThat(fixture.committed(0)).isEqualTo(1);

            broken.set(false);
            await().until(() -> fixture.committed(0) == 3);
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(fixture.effects()).containsExactly("first", "other-1", "other-2", "failing", "behind");
    }

    @Test
    void holdsThePartitionOfARecordThatIsNotAnEventUntilSomebodyActs() throws Exception {
        fixture.produce(0, "before");
        fixture.produceRaw(0, "not an event");
        fixture.produce(0, "behind");
        fixture.produce(1, "elsewhere");
        try (KafkaReceiver receiver = start(fixture.settings(), EffectTable::record)) {
            await().until(() ->
                    listener.heard().contains("malformed " + fixture.topic() + "-0@1 3") && fixture.committed(1) == 1);
            assertThat(fixture.effects()).containsExactlyInAnyOrder("before", "elsewhere");
            assertThat(fixture.committed(0)).isEqualTo(1);
            assertThat(receiver.stopped()).isNotDone();
        }
        try (KafkaReceiver receiver =
                start(fixture.settings().withOnMalformed(OnMalformed.SKIP), EffectTable::record)) {
            await().until(() -> fixture.committed(0) == 3);
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(fixture.effects()).containsExactlyInAnyOrder("before", "elsewhere", "behind");
        assertThat(listener.heard()).contains("skipped " + fixture.topic() + "-0@1");
    }

    @Test
    void finishesTheMessageInHandWhenItIsClosedAndLeavesTheGroup() throws Exception {
        CountDownLatch inHand = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        IntStream.range(0, 5).forEach(n -> fixture.produce(0, "e" + n));
        KafkaReceiver receiver = start(fixture.settings(), (event, connection) -> {
            inHand.countDown();
            goOn.await();
            EffectTable.record(event, connection);
        });
        inHand.await();
        Thread closer = new Thread(receiver::close);
        closer.start();
        await().until(() -> closer.getState() == Thread.State.TIMED_WAITING);
        goOn.countDown();
        closer.join();

        assertThat(receiver.stopped()).succeedsWithin(ReceiverFixture.PATIENCE);
        assertThat(fixture.effects()).containsExactly("e0");
        assertThat(fixture.committed(0)).isEqualTo(1);
        fixture.awaitNoMembers();
    }

    @Test
    void interruptsAHandlerThatDoesNotEndAndKeepsNothingOfIt() throws Exception {
        CountDownLatch inHand = new CountDownLatch(1);
        fixture.produce(0, "endless");
        KafkaReceiver receiver =
                start(fixture.settings().withCloseTimeout(Duration.ofMillis(50)), (event, connection) -> {
                    EffectTable.record(event, connection);
                    inHand.countDown();
                    new CountDownLatch(1).await();
                });
        inHand.await();
        receiver.close();
        assertThat(receiver.stopped()).succeedsWithin(ReceiverFixture.PATIENCE);
        assertThat(listener.heard()).contains("closed late");
        assertThat(fixture.effects()).isEmpty();
        assertThat(fixture.committed(0)).isEqualTo(-1);
        fixture.awaitNoMembers();
    }

    @Test
    void makesEveryEffectOnceWhileReceiversComeAndGo() throws Exception {
        List<String> ids = IntStream.range(0, 300).mapToObj(n -> "e" + n).toList();
        KafkaReceiverSettings settings = fixture.settings().withPollRecordsMax(10);
        List<KafkaReceiver> receivers = new ArrayList<>();
        try {
            receivers.add(start(settings, EffectTable::record));
            for (int n = 0; n < ids.size(); n++) {
                fixture.produce(n % 2, ids.get(n));
                if (n == 100) {
                    receivers.add(start(settings, EffectTable::record));
                }
                if (n == 200) {
                    await().until(() -> fixture.members() == 2);
                    receivers.remove(0).close();
                }
            }
            await().until(() -> fixture.committed(0) == 150 && fixture.committed(1) == 150);
        } finally {
            receivers.forEach(KafkaReceiver::close);
        }
        assertThat(fixture.effects()).containsExactlyInAnyOrderElementsOf(ids);
    }

    @Test
    void receivesWithTheGroupProtocolOfTheBrokerToo() throws Exception {
        fixture.produceRaw(1, "not an event");
        fixture.produce(0, "a");
        fixture.produce(0, "a");
        KafkaReceiverSettings settings = fixture.settings().withProperties(Map.of("group.protocol", "consumer"));
        try (KafkaReceiver receiver = start(settings, EffectTable::record)) {
            await().until(() ->
                    fixture.committed(0) == 2 && listener.heard().contains("malformed " + fixture.topic() + "-1@0 2"));
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(fixture.effects()).containsExactly("a");
        assertThat(fixture.committed(1)).isEqualTo(-1);
        fixture.awaitNoMembers();
    }

    @Test
    void startsAfterTheNewestRecordWhenAskedAndRemembersThat() throws Exception {
        fixture.produce(0, "old");
        KafkaReceiverSettings settings = fixture.settings().withFromBeginning(false);
        try (KafkaReceiver receiver = start(settings, EffectTable::record)) {
            await().until(() -> fixture.committed(0) == 1);
            assertThat(receiver.stopped()).isNotDone();
        }
        fixture.produce(0, "while away");
        try (KafkaReceiver receiver = start(settings, EffectTable::record)) {
            await().until(() -> fixture.committed(0) == 2);
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(fixture.effects()).containsExactly("while away");
    }

    @Test
    void saysSoWhenRecordsWereDeletedBeforeItReceivedThem() throws Exception {
        fixture.produce(0, "received");
        try (KafkaReceiver receiver = start(fixture.settings(), EffectTable::record)) {
            await().until(() -> fixture.committed(0) == 1);
            assertThat(receiver.stopped()).isNotDone();
        }
        fixture.produce(0, "deleted");
        fixture.produce(0, "there");
        try (Admin admin = fixture.admin()) {
            admin.deleteRecords(Map.of(new TopicPartition(fixture.topic(), 0), RecordsToDelete.beforeOffset(2)))
                    .all()
                    .get();
        }
        try (KafkaReceiver receiver = start(fixture.settings(), EffectTable::record)) {
            await().until(() -> fixture.committed(0) == 3);
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(fixture.effects()).containsExactly("received", "there");
        assertThat(listener.heard()).contains("missing 1");
    }

    @Test
    void givesTheHandlerTheContextOfItsEventAndPassesOtherTypesBy() throws Exception {
        List<String> contexts = new ArrayList<>();
        fixture.produce(0, "cause");
        EventHandlers handlers = EventHandlers.of(fixture.topic()).on("thing.happened", event -> {
            MessageContext context = MessageContext.current();
            contexts.add(context.correlationId().orElse("") + " "
                    + context.causationId().orElse(""));
        });
        EventHandlers none = EventHandlers.of(fixture.topic()).on("other.type", event -> contexts.add("wrong"));
        try (KafkaReceiver receiver = KafkaReceiver.start(fixture.settings(), fixture.inbox(), handlers, listener)) {
            await().until(() -> fixture.committed(0) == 1);
            assertThat(receiver.stopped()).isNotDone();
        }
        fixture.produce(0, "unknown");
        try (KafkaReceiver receiver = KafkaReceiver.start(fixture.settings(), fixture.inbox(), none, listener)) {
            await().until(() -> fixture.committed(0) == 2);
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(contexts).containsExactly("cause cause");
        assertThat(listener.heard()).contains("NO_HANDLER unknown");
    }

    @Test
    void receivesEventsInEveryForm() throws Exception {
        List<ReceivedEvent> events = new CopyOnWriteArrayList<>();
        fixture.produce(0, "envelope");
        fixture.produceRaw(
                0,
                "{\"n\":1}",
                Map.of(
                        "event-id", "none",
                        "event-type", "thing.happened",
                        "event-version", "1.0",
                        "occurred-at", "2026-01-15T10:30:00Z",
                        "source-service", "test",
                        "content-type", "application/json"));
        fixture.produceRaw(0, """
                {"specversion":"1.0","id":"structured","type":"thing.happened","source":"/test","data":{"n":1}}""", Map.of("content-type", "application/cloudevents+json"));
        fixture.produceRaw(
                0,
                "{\"n\":1}",
                Map.of(
                        "ce_specversion", "1.0",
                        "ce_id", "binary",
                        "ce_type", "thing.happened",
                        "ce_source", "/test",
                        "content-type", "application/json"));
        try (KafkaReceiver receiver = start(fixture.settings(), (event, connection) -> {
            EffectTable.record(event, connection);
            events.add(event);
        })) {
            await().until(() -> fixture.committed(0) == 4);
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(fixture.effects()).containsExactly("envelope", "none", "structured", "binary");
        for (ReceivedEvent event : events.subList(1, 4)) {
            assertThat(event.data()).isEqualTo("{\"n\":1}".getBytes(StandardCharsets.UTF_8));
        }
        // Without a time of their own, they have the record's.
        assertThat(events.get(2).occurredAt()).isAfter(Instant.parse("2026-01-16T00:00:00Z"));
        assertThat(events.get(3).occurredAt()).isAfter(Instant.parse("2026-01-16T00:00:00Z"));
    }

    @Test
    void holdsThePartitionAtAVersionThatItDoesNotKnowUntilAHandlerIsThere() throws Exception {
        fixture.produce(0, "a");
        EventHandlers newer = EventHandlers.of(fixture.topic()).on("thing.happened", 2, Map.class, (event, data) -> {});
        try (KafkaReceiver receiver = KafkaReceiver.start(fixture.settings(), fixture.inbox(), newer, listener)) {
            await().until(() -> listener.heard().contains("failed a 2"));
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(fixture.committed(0)).isEqualTo(-1);
        EventHandlers both = newer.on(
                "thing.happened", 1, Map.class, (event, data, connection) -> EffectTable.record(event, connection));
        try (KafkaReceiver receiver = KafkaReceiver.start(fixture.settings(), fixture.inbox(), both, listener)) {
            await().until(() -> fixture.committed(0) == 1);
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(fixture.effects()).containsExactly("a");
    }

    @Test
    void bringsOlderVersionsToTheHandlerAndHoldsAtOneThatIsTooNew() throws Exception {
        String envelope = """
                {"eventId":"%1$s","eventType":"order.created","eventVersion":"%1$s","occurredAt":"2026-01-15T10:30:00Z",\
                "source":{"service":"test"},"data":%2$s}""";
        fixture.produceRaw(0, envelope.formatted("1.0", "{\"total\":1.50}"));
        fixture.produceRaw(0, envelope.formatted("1.1", "{\"total\":1.50,\"currency\":\"USD\"}"));
        fixture.produceRaw(0, envelope.formatted("2.0", "{\"amount\":{\"value\":1.50,\"currency\":\"CHF\"}}"));
        fixture.produceRaw(0, envelope.formatted("3.0", "{}"));
        List<String> amounts = new CopyOnWriteArrayList<>();
        EventHandlers handlers = EventHandlers.of(fixture.topic())
                .upcast("order.created", "1.0", "1.1", data -> data.put("currency", "EUR"))
                .upcast("order.created", "1.1", "2.0", data -> {
                    JsonNode total = data.remove("total");
                    JsonNode currency = data.remove("currency");
                    data.putObject("amount").set("value", total).set("currency", currency);
                    return data;
                })
                .on("order.created", 2, Created.class, (event, created, connection) -> {
                    amounts.add(
                            created.amount().value() + " " + created.amount().currency());
                    EffectTable.record(event, connection);
                });
        try (KafkaReceiver receiver = KafkaReceiver.start(fixture.settings(), fixture.inbox(), handlers, listener)) {
            await().until(() -> listener.heard().contains("failed 3.0 2"));
            assertThat(receiver.stopped()).isNotDone();
        }
        assertThat(amounts).containsExactly("1.50 EUR", "1.50 USD", "1.50 CHF");
        assertThat(fixture.effects()).containsExactly("1.0", "1.1", "2.0");
        assertThat(fixture.committed(0)).isEqualTo(3);
    }

    private record Created(Amount amount) {}

    private record Amount(BigDecimal value, String currency) {}

    private KafkaReceiver start(KafkaReceiverSettings settings, JdbcEventHandler handler) {
        EventHandlers handlers = EventHandlers.of(fixture.topic()).on("thing.happened", handler);
        return KafkaReceiver.start(settings, fixture.inbox(), handlers, listener);
    }

    private void removeDeadMembers() throws Exception {
        try (Admin admin = fixture.admin()) {
            admin.removeMembersFromConsumerGroup(fixture.topic(), new RemoveMembersFromConsumerGroupOptions())
                    .all()
                    .get();
        }
    }
}
