package dev.outbox.relay;

import static dev.outbox.relay.Patience.await;
import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.rabbitmq.RabbitBroker;
import dev.outbox.relay.rabbitmq.RabbitRoutes;
import dev.outbox.relay.rabbitmq.RabbitSettings;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.QueueReader;
import dev.outbox.testkit.RabbitServer;
import dev.outbox.testkit.RabbitVirtualHost;
import dev.outbox.testkit.TestDatabase;
import java.sql.SQLException;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** An exchange of RabbitMQ goes away under load and comes back: the others flow, and it gets all in order. */
@ExtendWith(OutboxServers.class)
class RabbitTopicIT {

    private final RelayFixture fixture;
    private final RabbitVirtualHost virtualHost;
    private final String lost = RabbitServer.uniqueName("lost");
    private final String kept = RabbitServer.uniqueName("kept");

    RabbitTopicIT(TestDatabase database, RabbitVirtualHost virtualHost) {
        this.fixture = new RelayFixture(database);
        this.virtualHost = virtualHost;
    }

    @BeforeEach
    void emptyOutbox() throws Exception {
        fixture.reset();
        declare(kept);
        declare(lost);
    }

    private interface OnChannel {
        void run(Channel channel) throws Exception;
    }

    private void onChannel(OnChannel work) throws Exception {
        try (Connection connection = virtualHost.connectionFactory().newConnection();
                Channel channel = connection.createChannel()) {
            work.run(channel);
        }
    }

    /** A topic exchange, and a queue of the same name that gets all. */
    private void declare(String name) throws Exception {
        onChannel(channel -> {
            channel.exchangeDeclare(name, "topic", true);
            channel.queueDeclare(name, true, false, false, Map.of());
            channel.queueBind(name, name, "#");
        });
    }

    private Relay relay(String user, String password) {
        RabbitServer server = virtualHost.server();
        RabbitSettings settings = RabbitSettings.of(server.host() + ":" + server.port())
                .withLogin(user, password)
                .withVirtualHost(virtualHost.name());
        return Relay.start(
                fixture.database(),
                RelayFixture.UNHURRIED,
                Map.of(
                        ChannelSettings.of("default"),
                        RabbitBroker.of(settings, RabbitRoutes.usual(), Envelope.Format.JSON)),
                new LoggingListener());
    }

    private long ask(String sql) throws SQLException {
        try (java.sql.Connection connection = fixture.connect()) {
            return number(connection, sql);
        }
    }

    private void awaitWaiting() {
        await().until(() -> ask("SELECT count(*) FROM parked WHERE state = 'WAITING' AND topic = '" + lost + "'") > 0);
    }

    private static void awaitFlow(QueueReader reader, TwoTopicLoad load) {
        int behind = load.rounds();
        await().until(() -> rounds(reader).stream().anyMatch(round -> round > behind));
    }

    /** What is read by now and a little more: under load there is always more. */
    private static Set<Integer> rounds(QueueReader reader) {
        reader.poll();
        Set<Integer> rounds = new LinkedHashSet<>();
        reader.await(0).forEach(each -> rounds.add(TwoTopicLoad.numberIn(QueueReader.body(each))));
        return rounds;
    }

    private void assertComplete(QueueReader reader, int first, int last) {
        await().until(() -> rounds(reader).size() >= last - first + 1);
        TwoTopicLoad.assertComplete(rounds(reader), first, last);
    }

    private void assertNothingLeft() {
        await().until(() -> ask("SELECT count(*) FROM pending") == 0
                && ask("SELECT count(*) FROM parked WHERE resolved_at IS NULL") == 0);
        await().until(() -> ask("SELECT count(*) FROM parked WHERE topic <> '" + lost + "'") == 0);
    }

    @Test
    void anExchangeThatIsDeletedUnderLoadHoldsOnlyItsOwnMessages() throws Exception {
        try (Relay relay =
                        relay(virtualHost.server().user(), virtualHost.server().password());
                QueueReader keptReader = QueueReader.of(virtualHost.connectionFactory(), kept);
                QueueReader lostReader = QueueReader.of(virtualHost.connectionFactory(), lost)) {
            int rounds;
            try (TwoTopicLoad load = TwoTopicLoad.start(fixture, lost, kept)) {
                awaitFlow(lostReader, load);
                onChannel(channel -> channel.exchangeDelete(lost));
                awaitWaiting();
                awaitFlow(keptReader, load);
                declare(lost);
                await().until(() -> ask("SELECT count(*) FROM parked WHERE resolved_at IS NULL") == 0);
                awaitFlow(lostReader, load);
                rounds = load.stop();
            }
            assertNothingLeft();
            assertComplete(keptReader, 1, rounds);
            assertComplete(lostReader, 1, rounds);
            assertThat(relay.stopped()).isNotDone();
        }
    }

    /**
     * Each try at a forbidden exchange closes the channel; it must not take others with it, again and again. A channel that is open
     * remembers what it may, so the relay meets the prohibition on a new one.
     */
    @Test
    void anExchangeThatIsForbiddenUnderLoadHoldsOnlyItsOwnMessages() throws Exception {
        String user = RabbitServer.uniqueName("relay");
        virtualHost.addUser(user, "secret", "", kept, "");
        try (Relay relay = relay(user, "secret");
                QueueReader keptReader = QueueReader.of(virtualHost.connectionFactory(), kept);
                QueueReader lostReader = QueueReader.of(virtualHost.connectionFactory(), lost)) {
            int rounds;
            try (TwoTopicLoad load = TwoTopicLoad.start(fixture, lost, kept)) {
                awaitWaiting();
                await().until(() -> ask("SELECT count(*) FROM attempt WHERE error LIKE '%403%'") >= 2);
                awaitFlow(keptReader, load);
                virtualHost.setPermissions(user, "", ".*", "");
                await().until(() -> ask("SELECT count(*) FROM parked WHERE resolved_at IS NULL") == 0);
                rounds = load.stop();
            }
            assertNothingLeft();
            assertComplete(keptReader, 1, rounds);
            assertComplete(lostReader, 1, rounds);
            assertThat(relay.stopped()).isNotDone();
        }
    }
}
