package dev.outbox.relay;

import static dev.outbox.relay.Patience.await;
import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.relay.ChannelSettings.Order;
import dev.outbox.relay.ScriptedBroker.Answer;
import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.BrokerSession;
import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How far the order of a key goes when a broker takes one message and not the other. */
@ExtendWith(OutboxServers.class)
class OrderIT {

    private final RelayFixture fixture;

    OrderIT(TestDatabase database) {
        fixture = new RelayFixture(database);
    }

    @BeforeEach
    void emptyOutbox() throws SQLException {
        fixture.reset();
    }

    private Relay relay(Order order, Broker broker) {
        return relay(
                ChannelSettings.of("default").withOrder(order).withParking(RelayFixture.DEAD_AT_ONCE),
                broker,
                new RelayListener() {});
    }

    private Relay relay(ChannelSettings channel, Broker broker, RelayListener listener) {
        return Relay.start(fixture.database(), RelayFixture.QUICK, Map.of(channel, broker), listener);
    }

    private void append(int messages, int keys) throws SQLException {
        try (Connection connection = fixture.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO message (topic, key, type, source, payload) SELECT 'orders', 'k' || n % "
                    + keys + ", 'a.b', 'test', n::text::json FROM generate_series(1, " + messages + ") n");
        }
    }

    private void awaitDrained() {
        await().until(() -> ask("SELECT count(*) FROM pending") == 0);
    }

    private long ask(String sql) throws SQLException {
        try (Connection connection = fixture.connect()) {
            return number(connection, sql);
        }
    }

    @Test
    void aBusyBrokerGetsAgainOnlyWhatItDidNotTake() throws SQLException {
        ScriptedBroker broker =
                new ScriptedBroker((seq, attempt) -> seq % 3 == 0 && attempt <= 2 ? Answer.BUSY : Answer.ACCEPT, true);
        append(100, 100);
        try (Relay relay = relay(Order.PIPELINED, broker)) {
            awaitDrained();
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(broker.taken()).hasSize(100).doesNotHaveDuplicates();
        assertThat(ask("SELECT count(*) FROM parked")).isZero();
        assertThat(ask("SELECT max(order_exceptions) FROM checkpoint"))
                .as("each key has one message")
                .isZero();
    }

    /** 3 and 6 are not taken at first, 4 to 10 of the same key are. */
    @Test
    void pipelinedOrderCountsEachMessageThatWasOvertakenOnce() throws SQLException {
        ScriptedBroker broker = new ScriptedBroker(
                (seq, attempt) -> (seq == 3 || seq == 6) && attempt <= 3 ? Answer.BUSY : Answer.ACCEPT, true);
        append(10, 1);
        try (Relay relay = relay(Order.PIPELINED, broker)) {
            awaitDrained();
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(broker.taken()).containsExactly(1L, 2L, 4L, 5L, 7L, 8L, 9L, 10L, 3L, 6L);
        assertThat(ask("SELECT max(order_exceptions) FROM checkpoint")).isEqualTo(2);
    }

    @Test
    void theLastOfItsKeyIsOvertakenByNobody() throws SQLException {
        ScriptedBroker broker =
                new ScriptedBroker((seq, attempt) -> seq > 8 && attempt == 1 ? Answer.BUSY : Answer.ACCEPT, true);
        append(10, 1);
        try (Relay relay = relay(Order.PIPELINED, broker)) {
            awaitDrained();
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(ask("SELECT max(order_exceptions) FROM checkpoint")).isZero();
    }

    /** 1 is not taken, 2 of its key is, and then the session breaks: 1 comes too late all the same. */
    @Test
    void whatWasOvertakenBeforeTheSessionBrokeIsCountedToo() throws SQLException {
        ScriptedBroker broker = new ScriptedBroker(
                (seq, attempt) -> attempt > 1 || seq == 2 ? Answer.ACCEPT : seq == 1 ? Answer.BUSY : Answer.BREAK,
                true);
        append(3, 1);
        try (Relay relay = relay(Order.PIPELINED, broker)) {
            awaitDrained();
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(broker.taken()).containsExactly(2L, 1L, 3L);
        assertThat(ask("SELECT max(order_exceptions) FROM checkpoint")).isEqualTo(1);
    }

    /** Refused among others, then never answered for: the session is of no further use, however quiet the rest is. */
    @Test
    void aSessionThatFallsSilentAboutAMessageSentAloneIsGivenUp() throws SQLException {
        ScriptedBroker broker = new ScriptedBroker(
                (seq, attempt) -> attempt == 1 ? Answer.REFUSE : attempt == 2 ? Answer.TAKE : Answer.ACCEPT, true);
        append(1, 1);
        ChannelSettings channel = ChannelSettings.of("default").withPublishTimeout(Duration.ofSeconds(1));
        try (Relay relay = relay(channel, broker, new RelayListener() {})) {
            await().until(() -> broker.attempts(1) == 3);
            awaitDrained();
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(broker.opened()).isEqualTo(2);
    }

    private static final class Outages implements RelayListener {
        private final Queue<String> classes = new ConcurrentLinkedQueue<>();

        @Override
        public void outage(LaneKey lane, Failure failure, Duration retryIn) {
            classes.add(failure.errorClass());
        }
    }

    /** There is always something new to send, which must not make a dead broker look alive. */
    @Test
    void aBrokerThatNeverAnswersIsGivenUpThoughMessagesKeepComing() throws SQLException {
        int answered = 12;
        ScriptedBroker broker =
                new ScriptedBroker((seq, attempt) -> seq <= answered ? Answer.ACCEPT : Answer.TAKE, true);
        ChannelSettings usual = ChannelSettings.of("default");
        ChannelSettings channel = new ChannelSettings(
                usual.name(),
                1,
                1000,
                4 << 20,
                1000,
                32 << 20,
                Duration.ofSeconds(2),
                Order.PIPELINED,
                usual.parking());
        Outages outages = new Outages();
        try (Relay relay = relay(channel, broker, outages)) {
            for (int n = 1; n <= answered; n++) { // each a page, so that many may be in flight then
                append(1, 1);
                int taken = n;
                await().until(() -> broker.taken().size() == taken);
            }
            await().pollInterval(Duration.ofMillis(250)).until(() -> {
                append(1, 1);
                return outages.classes.contains("PublishTimeout");
            });
            assertThat(relay.stopped()).isNotDone();
            broker.acknowledge();
        }
    }

    /** Takes its time to flush, then answers late for what waited for its turn. */
    private static final class SlowToFlush implements Broker {
        private final ScheduledExecutorService answering = Executors.newSingleThreadScheduledExecutor();
        private final List<Long> sent = Collections.synchronizedList(new ArrayList<>());
        private final Duration flush;

        SlowToFlush(Duration flush) {
            this.flush = flush;
        }

        @Override
        public BrokerSession open() {
            return new BrokerSession() {
                @Override
                public Optional<Failure> send(Message message, Delivery delivery) {
                    sent.add(message.seq());
                    if (sent.size() == 1) {
                        delivery.accepted("slow", -1);
                    } else {
                        var unused =
                                answering.schedule(() -> delivery.accepted("slow", -1), 300, TimeUnit.MILLISECONDS);
                    }
                    return Optional.empty();
                }

                @Override
                public void flush() {
                    long until = System.nanoTime() + flush.toNanos();
                    while (sent.size() == 1 && System.nanoTime() - until < 0) {
                        LockSupport.parkNanos(until - System.nanoTime()); // an answer ends it early
                    }
                }

                @Override
                public void close() {}
            };
        }

        @Override
        public void close() {
            answering.shutdownNow();
        }
    }

    /** The lane was away for longer than the broker may be silent; what it sends then has only just been sent. */
    @Test
    void whatWaitedForItsTurnIsGivenTheWholeTimeToBeAnswered() throws SQLException {
        append(2, 1);
        Outages outages = new Outages();
        ChannelSettings channel = ChannelSettings.of("default")
                .withPublishTimeout(Duration.ofSeconds(2))
                .withOrder(Order.STRICT);
        try (SlowToFlush broker = new SlowToFlush(Duration.ofSeconds(3));
                Relay relay = relay(channel, broker, outages)) {
            await().until(() -> broker.sent.size() >= 2);
            awaitDrained();
            assertThat(broker.sent).containsExactly(1L, 2L);
            assertThat(outages.classes).isEmpty();
            assertThat(relay.stopped()).isNotDone();
        }
    }

    /** A broker that answers after a while, in any order, and takes, cannot take or refuses as it pleases. */
    private static final class Moody implements Broker {
        private final Random random;
        private final ScheduledExecutorService answering = Executors.newSingleThreadScheduledExecutor();
        private final Map<String, Integer> inFlight = new ConcurrentHashMap<>();
        private final Map<String, List<Long>> taken = new ConcurrentHashMap<>();
        private final Map<Long, Integer> refusals = new ConcurrentHashMap<>();
        private final AtomicInteger together = new AtomicInteger();

        Moody(long seed) {
            random = new Random(seed);
        }

        @Override
        public BrokerSession open() {
            return new BrokerSession() {
                @Override
                public Optional<Failure> send(Message message, Delivery delivery) {
                    String key = String.valueOf(message.keyText());
                    if (inFlight.merge(key, 1, Integer::sum) > 1) {
                        together.incrementAndGet();
                    }
                    int mood = random.nextInt(100);
                    var unused = answering.schedule(
                            () -> answer(message, key, mood, delivery), random.nextInt(2000), TimeUnit.MICROSECONDS);
                    return Optional.empty();
                }

                @Override
                public boolean usable() {
                    return true;
                }

                @Override
                public void flush() {}

                @Override
                public void close() {}
            };
        }

        private void answer(Message message, String key, int mood, BrokerSession.Delivery delivery) {
            inFlight.merge(key, -1, Integer::sum);
            if (mood < 2) {
                delivery.failed(new Failure(Failure.Kind.OUTAGE, "Moody", "not now"));
            } else if (mood < 4 && refusals.merge(message.seq(), 1, Integer::sum) == 1) {
                delivery.failed(new Failure(Failure.Kind.MESSAGE, "Moody", "not this one"));
            } else {
                taken.computeIfAbsent(key, k -> new ArrayList<>()).add(message.seq());
                delivery.accepted("moody", -1);
            }
        }

        @Override
        public void close() {
            answering.shutdownNow();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void strictOrderHasOneMessageOfAKeyOnItsWayAndNoneIsOvertaken(long seed) throws SQLException {
        append(1500, 40);
        try (Moody broker = new Moody(seed);
                Relay relay = relay(Order.STRICT, broker)) {
            awaitDrained();
            assertThat(relay.stopped()).isNotDone();
            assertThat(broker.together).as("sent beside another of its key").hasValue(0);
            Set<Long> parked = parked();
            List<Long> all = new ArrayList<>(parked);
            broker.taken.forEach((key, seqs) -> {
                assertThat(seqs).as(key).isSorted().doesNotHaveDuplicates();
                all.addAll(seqs);
            });
            assertThat(all).hasSize(1500).doesNotHaveDuplicates();
        }
        assertThat(ask("SELECT max(order_exceptions) FROM checkpoint")).isZero();
    }

    private Set<Long> parked() throws SQLException {
        Set<Long> parked = new HashSet<>();
        try (Connection connection = fixture.connect();
                Statement statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT seq FROM parked")) {
            while (rows.next()) {
                parked.add(rows.getLong(1));
            }
        }
        return parked;
    }

    /** The head is refused for good: what waits behind it in line is parked, too, and others go on. */
    @Test
    void strictOrderParksWhatWaitsBehindARefusedHead() throws SQLException {
        ScriptedBroker broker = new ScriptedBroker((seq, attempt) -> seq == 1 ? Answer.REFUSE : Answer.ACCEPT, true);
        append(30, 3);
        try (Relay relay = relay(Order.STRICT, broker)) {
            awaitDrained();
            assertThat(relay.stopped()).isNotDone();
        }
        Map<String, Long> states = new HashMap<>();
        for (String state : List.of("DEAD", "HELD")) {
            states.put(state, ask("SELECT count(*) FROM parked WHERE key = 'k1' AND state = '" + state + "'"));
        }
        assertThat(states).isEqualTo(Map.of("DEAD", 1L, "HELD", 9L));
        assertThat(broker.taken()).hasSize(20);
    }
}
