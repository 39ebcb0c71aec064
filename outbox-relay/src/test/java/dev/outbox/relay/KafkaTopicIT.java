package dev.outbox.relay;

import static dev.outbox.relay.Patience.await;
import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.testkit.KafkaOptions;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import dev.outbox.testkit.TopicReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A topic of a Kafka that makes none by itself goes away under load and comes back: the others flow, and it gets all in order. */
@ExtendWith(OutboxServers.class)
class KafkaTopicIT {

    private static final Map<String, String> ONE_BROKER = Map.of("min.insync.replicas", "1");

    private static KafkaServer kafka;

    private final RelayFixture fixture;
    private final String lost = KafkaServer.uniqueTopic("lost");
    private final String kept = KafkaServer.uniqueTopic("kept");

    KafkaTopicIT(TestDatabase database) {
        fixture = new RelayFixture(database, kafka);
    }

    @BeforeAll
    static void startKafka() {
        kafka = KafkaServer.start(KafkaOptions.defaults()
                .withAutoCreateTopics(false)
                .withSetting("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer")
                .withSetting("allow.everyone.if.no.acl.found", "true"));
    }

    @AfterAll
    static void closeKafka() {
        kafka.close();
    }

    @BeforeEach
    void emptyOutbox() throws SQLException {
        fixture.reset();
        kafka.createTopic(kept, 1, ONE_BROKER);
    }

    /** Appends to both topics until it is told to stop. */
    private final class Load implements AutoCloseable {
        private final AtomicBoolean enough = new AtomicBoolean();
        private final AtomicInteger rounds = new AtomicInteger();
        private final CompletableFuture<Void> writer = CompletableFuture.runAsync(this::write);

        private void write() {
            try (Connection connection = fixture.connect()) {
                while (!enough.get()) {
                    connection.setAutoCommit(false);
                    String round = String.valueOf(rounds.get() + 1);
                    RelayFixture.append(connection, lost, "k" + rounds.get() % 3, round);
                    RelayFixture.append(connection, kept, "k" + rounds.get() % 3, round);
                    connection.commit();
                    rounds.incrementAndGet();
                }
            } catch (SQLException e) {
                throw new AssertionError(e);
            }
        }

        int rounds() {
            assertThat(writer).isNotCompletedExceptionally();
            return rounds.get();
        }

        int stop() {
            enough.set(true);
            writer.join();
            return rounds.get();
        }

        @Override
        public void close() {
            stop();
        }
    }

    private long ask(String sql) throws SQLException {
        try (Connection connection = fixture.connect()) {
            return number(connection, sql);
        }
    }

    private void awaitWaiting() {
        await().until(() -> ask("SELECT count(*) FROM parked WHERE state = 'WAITING' AND topic = '" + lost + "'") > 0);
    }

    private void awaitFlow(TopicReader reader, Load load) {
        int behind = load.rounds();
        await().until(() -> {
            reader.poll();
            return reader.await(0).size() > behind;
        });
    }

    /** Every number from {@code first} on has come, and the first of each come in order. */
    private static void assertComplete(TopicReader reader, int first, int last) {
        List<Integer> numbers = new ArrayList<>();
        await().until(() -> {
            reader.poll();
            numbers.clear();
            reader.await(0).forEach(read -> {
                int number = numberIn(TopicReader.value(read).orElseThrow());
                if (number >= first && !numbers.contains(number)) {
                    numbers.add(number);
                }
            });
            return numbers.size() >= last - first + 1;
        });
        // The keys take turns, so the order of each shows in every third number.
        for (int key = 0; key < 3; key++) {
            int turn = key;
            assertThat(numbers.stream().filter(number -> number % 3 == turn)).isSorted();
        }
        assertThat(numbers)
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.rangeClosed(first, last).boxed().toList());
    }

    private static int numberIn(String envelope) {
        return Integer.parseInt(envelope.substring(envelope.indexOf("\"data\":") + 7, envelope.length() - 1));
    }

    private void assertNothingLeft() {
        await().until(() -> ask("SELECT count(*) FROM pending") == 0
                && ask("SELECT count(*) FROM parked WHERE resolved_at IS NULL") == 0);
    }

    @Test
    void aTopicThatIsDeletedUnderLoadHoldsOnlyItsOwnMessages() throws Exception {
        kafka.createTopic(lost, 1, ONE_BROKER);
        try (Relay relay = fixture.relay();
                TopicReader keptReader = fixture.read(kept)) {
            int rounds;
            try (Load load = new Load()) {
                await().until(() -> load.rounds() > 200);
                awaitFlow(keptReader, load);
                kafka.deleteTopic(lost);
                awaitWaiting();
                awaitFlow(keptReader, load);
                awaitFlow(keptReader, load);
                assertThat(ask("SELECT count(*) FROM parked WHERE topic <> '" + lost + "'"))
                        .isZero();
                kafka.createTopic(lost, 1, ONE_BROKER);
                await().until(() -> ask("SELECT count(*) FROM parked WHERE resolved_at IS NULL") == 0);
                int back = load.rounds();
                await().until(() -> load.rounds() > back + 100);
                rounds = load.stop();
            }
            assertNothingLeft();
            assertComplete(keptReader, 1, rounds);
            // What was published before the topic was deleted went with it.
            int first = (int) ask("SELECT min(payload::text::int) FROM parked");
            try (TopicReader lostReader = fixture.read(lost)) {
                assertComplete(lostReader, first, rounds);
            }
            assertThat(relay.stopped()).isNotDone();
        }
    }

    @Test
    void aTopicThatNeverWasWaitsUntilItIsMade() throws Exception {
        try (Relay relay = fixture.relay();
                TopicReader keptReader = fixture.read(kept)) {
            int rounds;
            try (Load load = new Load()) {
                awaitWaiting();
                awaitFlow(keptReader, load);
                kafka.createTopic(lost, 1, ONE_BROKER);
                await().until(() -> ask("SELECT count(*) FROM parked WHERE resolved_at IS NULL") == 0);
                rounds = load.stop();
            }
            assertNothingLeft();
            assertComplete(keptReader, 1, rounds);
            try (TopicReader lostReader = fixture.read(lost)) {
                assertComplete(lostReader, 1, rounds);
            }
            assertThat(ask("SELECT max(order_exceptions) FROM checkpoint")).isZero();
            assertThat(relay.stopped()).isNotDone();
        }
    }

    @Test
    void aTopicThatMayNotBeWrittenToWaitsUntilItMay() throws Exception {
        kafka.createTopic(lost, 1, ONE_BROKER);
        AclBinding denial = new AclBinding(
                new ResourcePattern(ResourceType.TOPIC, lost, PatternType.LITERAL),
                new AccessControlEntry("User:ANONYMOUS", "*", AclOperation.WRITE, AclPermissionType.DENY));
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrapServers()));
                Relay relay = fixture.relay();
                TopicReader keptReader = fixture.read(kept)) {
            int rounds;
            try (Load load = new Load()) {
                await().until(() -> load.rounds() > 200);
                admin.createAcls(List.of(denial)).all().get();
                awaitWaiting();
                assertThat(ask("SELECT count(*) FROM attempt WHERE error_class = 'TopicAuthorizationException'"))
                        .isPositive();
                awaitFlow(keptReader, load);
                admin.deleteAcls(List.of(denial.toFilter())).all().get();
                await().until(() -> ask("SELECT count(*) FROM parked WHERE resolved_at IS NULL") == 0);
                rounds = load.stop();
            }
            assertNothingLeft();
            assertComplete(keptReader, 1, rounds);
            try (TopicReader lostReader = fixture.read(lost)) {
                assertComplete(lostReader, 1, rounds);
            }
            assertThat(relay.stopped()).isNotDone();
        }
    }
}
