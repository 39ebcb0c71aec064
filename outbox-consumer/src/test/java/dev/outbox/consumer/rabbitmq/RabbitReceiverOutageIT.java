package dev.outbox.consumer.rabbitmq;

import static dev.outbox.consumer.rabbitmq.RabbitFixture.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.impl.AMQConnection;
import com.rabbitmq.client.impl.AMQImpl;
import dev.outbox.consumer.EffectTable;
import dev.outbox.consumer.EventHandlers;
import dev.outbox.consumer.JdbcEventHandler;
import dev.outbox.consumer.RecordingListener;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.PostgresOptions;
import dev.outbox.testkit.PostgresServer;
import dev.outbox.testkit.RabbitOptions;
import dev.outbox.testkit.RabbitServer;
import dev.outbox.testkit.TcpProxy;
import dev.outbox.testkit.TestDatabase;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OutboxServers.class)
class RabbitReceiverOutageIT {

    private static RabbitServer rabbit;

    private final RecordingListener listener = new RecordingListener();

    @BeforeAll
    static void start() {
        rabbit = RabbitServer.start(RabbitOptions.defaults().asNativeOnly());
    }

    @AfterAll
    static void stop() {
        rabbit.close();
    }

    @Test
    void goesOnWhenTheServerIsBack(TestDatabase database) throws Exception {
        // A kill in the first second of a quorum queue's life leaves RabbitMQ 3.10 with one that never has a leader.
        try (RabbitFixture fixture = new RabbitFixture(database, rabbit, QueueDeclaration.Type.CLASSIC);
                RabbitReceiver receiver = start(fixture.settings(), fixture, EffectTable::record)) {
            fixture.publish("a");
            awaitHeard("HANDLED a");
            rabbit.kill();
            await().until(() -> outages().stream().anyMatch(line -> line.contains("Connection refused")));
            rabbit.restart();
            fixture.publish("b");
            awaitHeard("HANDLED b");
            assertThat(fixture.effects()).containsExactly("a", "b");
            assertThat(receiver.stopped()).isNotDone();
        }
    }

    /** As it does when an event is in hand for longer than its {@code consumer_timeout}, which takes minutes to show. */
    @Test
    void connectsAgainWhenTheServerClosesTheChannelWhileAnEventIsInHand(TestDatabase database) throws Exception {
        CompletableFuture<Connection> opened = new CompletableFuture<>();
        CountDownLatch inHand = new CountDownLatch(1);
        try (RabbitFixture fixture = new RabbitFixture(database, rabbit);
                RabbitReceiver receiver =
                        start(fixture.settings(new Observed(opened)), fixture, (event, connection) -> {
                            EffectTable.record(event, connection);
                            inHand.countDown();
                            if (outages().isEmpty()) {
                                throw new IllegalStateException("not before the channel is closed");
                            }
                        })) {
            fixture.publish("failing", "behind");
            inHand.await();
            AMQConnection connection = (AMQConnection) opened.get();
            connection.writeFrame(new AMQImpl.Basic.Ack(4711, false).toFrame(1));
            connection.flush();
            awaitHeard("HANDLED behind");
            assertThat(outages()).singleElement().asString().contains("code=406", "unknown delivery tag 4711");
            assertThat(fixture.effects()).containsExactly("failing", "behind");
            assertThat(receiver.stopped()).isNotDone();
        }
    }

    @Test
    void noticesAConnectionThatIsSilent(TestDatabase database) throws Exception {
        try (TcpProxy proxy = TcpProxy.to(rabbit.host(), rabbit.port());
                RabbitFixture fixture = new RabbitFixture(database, rabbit)) {
            ConnectionFactory server = rabbit.connectionFactory();
            server.setPort(proxy.port());
            RabbitReceiverSettings settings = fixture.settings(server).withHeartbeat(Duration.ofSeconds(1));
            try (RabbitReceiver receiver = start(settings, fixture, EffectTable::record)) {
                fixture.publish("a");
                awaitHeard("HANDLED a");
                proxy.freeze();
                await().until(() -> !outages().isEmpty());
                proxy.resume();
                fixture.publish("b");
                awaitHeard("HANDLED b");
                assertThat(fixture.effects()).containsExactly("a", "b");
                assertThat(receiver.stopped()).isNotDone();
            }
        }
    }

    @Test
    void waitsForADatabaseThatIsAway() throws Exception {
        try (PostgresServer postgres =
                        PostgresServer.start(PostgresOptions.defaults().asNativeOnly());
                RabbitFixture fixture = new RabbitFixture(postgres.createDatabase("stock"), rabbit);
                RabbitReceiver receiver = start(fixture.settings(), fixture, EffectTable::record)) {
            fixture.publish("a");
            awaitHeard("HANDLED a");
            postgres.kill();
            fixture.publish("b");
            awaitHeard("failed b 2");
            postgres.restart();
            awaitHeard("HANDLED b");
            assertThat(fixture.effects()).containsExactly("a", "b");
            assertThat(receiver.stopped()).isNotDone();
        }
    }

    private RabbitReceiver start(RabbitReceiverSettings settings, RabbitFixture fixture, JdbcEventHandler handler) {
        EventHandlers handlers = EventHandlers.of(fixture.name()).on(RabbitFixture.TYPE, handler);
        return RabbitReceiver.start(settings, fixture.inbox(), handlers, listener);
    }

    private List<String> outages() {
        return listener.heard().stream()
                .filter(line -> line.startsWith("outage "))
                .toList();
    }

    private void awaitHeard(String line) {
        await().until(() -> listener.heard().contains(line));
    }

    /** Shows the connection that was opened first. */
    private static final class Observed extends ConnectionFactory {

        private final CompletableFuture<Connection> opened;

        Observed(CompletableFuture<Connection> opened) {
            this.opened = opened;
            setHost(rabbit.host());
            setPort(rabbit.port());
            setUsername(rabbit.user());
            setPassword(rabbit.password());
        }

        @Override
        public Connection newConnection(ExecutorService executor, String name) throws IOException, TimeoutException {
            Connection connection = super.newConnection(executor, name);
            opened.complete(connection);
            return connection;
        }
    }
}
