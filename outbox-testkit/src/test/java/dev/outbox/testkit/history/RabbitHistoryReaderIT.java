package dev.outbox.testkit.history;

import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import dev.outbox.testkit.RabbitOptions;
import dev.outbox.testkit.RabbitServer;
import dev.outbox.testkit.history.RabbitHistoryReader.QueueType;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

class RabbitHistoryReaderIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int KEYS = 20;
    private static final int PERSISTENT = 2;

    private final History history = new History(Clock.systemUTC());
    private int appended;

    @Test
    void readsQueuesInOrderAndAcrossABrokersDeath() throws Exception {
        try (RabbitServer rabbit = RabbitServer.start(RabbitOptions.defaults().asNativeOnly())) {
            RabbitHistoryReader.declareQueue(rabbit.amqpUri(), "classic", QueueType.CLASSIC, "orders");
            RabbitHistoryReader.declareQueue(rabbit.amqpUri(), "quorum", QueueType.QUORUM, "prices", "stocks");
            rabbit.syncDeclarations();
            publish(rabbit, 500);
            try (RabbitHistoryReader classic = RabbitHistoryReader.start(rabbit.amqpUri(), "classic", history);
                    RabbitHistoryReader quorum = RabbitHistoryReader.start(rabbit.amqpUri(), "quorum", history)) {
                awaitDrained(rabbit, classic, quorum);

                rabbit.kill();
                rabbit.restart();
                publish(rabbit, 500);
                awaitDrained(rabbit, classic, quorum);

                assertThat(classic.messages() + quorum.messages()).isGreaterThanOrEqualTo(3_000);
                assertThat(classic.failure()).isEmpty();
                assertThat(quorum.failure()).isEmpty();
            }
        }
        HistoryReport report = HistoryChecker.check(history).assertClean();
        assertThat(report.delivered()).isEqualTo(3_000);
    }

    private void awaitDrained(RabbitServer rabbit, RabbitHistoryReader classic, RabbitHistoryReader quorum)
            throws Exception {
        if (!history.awaitDrained(PATIENCE)) {
            try (Connection connection = rabbit.connectionFactory().newConnection();
                    Channel channel = connection.createChannel()) {
                throw new AssertionError("Messages are missing: published=" + appended + " to each exchange, classic="
                        + classic.messages() + ", left=" + channel.messageCount("classic") + ", quorum="
                        + quorum.messages() + ", left=" + channel.messageCount("quorum"));
            }
        }
    }

    /** So many to each exchange. */
    private void publish(RabbitServer rabbit, int messages) throws Exception {
        try (Connection connection = rabbit.connectionFactory().newConnection();
                Channel channel = connection.createChannel()) {
            List<String> returned = new CopyOnWriteArrayList<>();
            channel.addReturnListener(message -> returned.add(message.getExchange()));
            channel.confirmSelect();
            for (int i = 0; i < messages; i++, appended++) {
                for (String exchange : List.of("orders", "prices", "stocks")) {
                    UUID id = UUID.nameUUIDFromBytes(bytes(exchange + appended));
                    String key = "k" + appended % KEYS;
                    byte[] payload = bytes("{\"n\":" + appended + "}");
                    history.appended(Append.of(id, exchange, key, 1 + appended / KEYS, payload, Instant.now()));
                    history.finished(Outcome.COMMITTED, List.of(id));
                    AMQP.BasicProperties properties = new AMQP.BasicProperties.Builder()
                            .deliveryMode(PERSISTENT)
                            .messageId(id.toString())
                            .headers(Map.of("x-key", key))
                            .build();
                    channel.basicPublish(exchange, "order.created", true, properties, payload);
                }
            }
            channel.waitForConfirmsOrDie(PATIENCE.toMillis());
            assertThat(returned).isEmpty();
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
