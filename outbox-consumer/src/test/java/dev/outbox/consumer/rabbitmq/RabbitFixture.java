package dev.outbox.consumer.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import dev.outbox.consumer.EffectTable;
import dev.outbox.inbox.Inbox;
import dev.outbox.testkit.RabbitServer;
import dev.outbox.testkit.TestDatabase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/** An exchange and a queue of its own, an inbox, and a table that shows every effect. */
final class RabbitFixture implements AutoCloseable {

    /** How long a test waits for what has to come: long enough for a machine that does other things at the same time. */
    static final Duration PATIENCE = Duration.ofMinutes(2);

    static final String TYPE = "thing.happened";

    private static final Duration CONFIRM_TIMEOUT = Duration.ofSeconds(30);
    private static final String ENVELOPE = """
            {"eventId":"%s","eventType":"thing.happened","eventVersion":"1.0","occurredAt":"2026-01-15T10:30:00Z",\
            "source":{"service":"test"},"data":{}}""";

    private final RabbitServer rabbit;
    private final String name = RabbitServer.uniqueName("received");
    private final QueueDeclaration.Type type;
    private final EffectTable table;

    RabbitFixture(TestDatabase database, RabbitServer rabbit) throws IOException, TimeoutException {
        this(database, rabbit, QueueDeclaration.Type.QUORUM);
    }

    RabbitFixture(TestDatabase database, RabbitServer rabbit, QueueDeclaration.Type type)
            throws IOException, TimeoutException {
        this.rabbit = rabbit;
        this.type = type;
        this.table = new EffectTable(database);
        onChannel(channel -> declaration().declare(channel, name));
    }

    static ConditionFactory await() {
        return Awaitility.await().atMost(PATIENCE);
    }

    /** What exchange, queue and the inbox's consumer are called. */
    String name() {
        return name;
    }

    QueueDeclaration declaration() {
        return new QueueDeclaration(type, name, List.of(TYPE), Map.of());
    }

    RabbitReceiverSettings settings() {
        return settings(rabbit.connectionFactory());
    }

    RabbitReceiverSettings settings(ConnectionFactory server) {
        return RabbitReceiverSettings.of(server, name)
                .withDeclaration(declaration())
                .withRetry(Duration.ofMillis(50), Duration.ofMillis(200));
    }

    Inbox inbox() {
        return table.inbox();
    }

    List<String> effects() throws SQLException {
        return table.effects();
    }

    void publish(String... eventIds) throws IOException, TimeoutException {
        onChannel(channel -> {
            for (String id : eventIds) {
                publish(channel, json(id), ENVELOPE.formatted(id).getBytes(StandardCharsets.UTF_8));
            }
            confirm(channel);
        });
    }

    void publish(AMQP.BasicProperties properties, byte[] body) throws IOException, TimeoutException {
        onChannel(channel -> {
            publish(channel, properties, body);
            confirm(channel);
        });
    }

    private void publish(Channel channel, AMQP.BasicProperties properties, byte[] body) throws IOException {
        channel.basicPublish(name, TYPE, properties, body);
    }

    private static void confirm(Channel channel) throws IOException {
        try {
            channel.waitForConfirmsOrDie(CONFIRM_TIMEOUT.toMillis());
        } catch (InterruptedException | TimeoutException e) {
            throw new IOException("Not confirmed", e);
        }
    }

    /** The properties of an envelope, as the relay makes them as far as tests look at them. */
    static AMQP.BasicProperties json(String id) {
        return new AMQP.BasicProperties.Builder()
                .messageId(id)
                .type(TYPE)
                .contentType("application/json")
                .deliveryMode(2)
                .headers(Map.of("x-key", "k-" + id))
                .build();
    }

    /**
     * Takes what is left in the queue when the receivers are closed, in its order, by message ids. What they had not
     * acknowledged is in the queue again when it has no consumer any more.
     */
    List<String> left() throws IOException, TimeoutException {
        List<String> ids = new ArrayList<>();
        onChannel(channel -> {
            await().until(() -> channel.consumerCount(name) == 0);
            for (GetResponse got = channel.basicGet(name, true); got != null; got = channel.basicGet(name, true)) {
                ids.add(got.getProps().getMessageId());
            }
        });
        return ids;
    }

    /** How many messages wait in the queue, beside those that a receiver has in hand. */
    int ready() throws IOException, TimeoutException {
        int[] ready = new int[1];
        onChannel(channel -> ready[0] = channel.queueDeclarePassive(name).getMessageCount());
        return ready[0];
    }

    interface Work {

        void on(Channel channel) throws IOException;
    }

    void onChannel(Work work) throws IOException, TimeoutException {
        try (Connection connection = rabbit.connectionFactory().newConnection("fixture");
                Channel channel = connection.createChannel()) {
            channel.confirmSelect();
            work.on(channel);
        }
    }

    /** Deletes queue and exchange. */
    @Override
    public void close() throws IOException, TimeoutException {
        onChannel(channel -> {
            channel.queueDelete(name);
            channel.exchangeDelete(name);
        });
    }
}
