package dev.outbox.sample.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.MessageProperties;
import dev.outbox.testkit.RabbitVirtualHost;
import dev.outbox.testkit.TestDatabase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RabbitInventoryIT extends InventoryContract {

    private static final long TIMEOUT_MILLIS = 30_000;

    private final Connection connection;
    private final Channel channel;
    private final BlockingQueue<String> returned = new ArrayBlockingQueue<>(1);

    RabbitInventoryIT(TestDatabase database, RabbitVirtualHost rabbit) throws IOException, TimeoutException {
        super(
                database,
                "--inventory.broker=rabbitmq",
                "--inventory.rabbitmq.host=" + rabbit.server().host(),
                "--inventory.rabbitmq.port=" + rabbit.server().port(),
                "--inventory.rabbitmq.user=" + rabbit.server().user(),
                "--inventory.rabbitmq.password=" + rabbit.server().password(),
                "--inventory.rabbitmq.virtual-host=" + rabbit.name());
        this.connection = rabbit.connectionFactory().newConnection("test");
        this.channel = connection.createChannel();
        channel.confirmSelect();
        channel.addReturnListener(message -> returned.add(message.getRoutingKey()));
    }

    /** The service's connection comes up while its HTTP already answers. */
    @BeforeAll
    void awaitConsumer() {
        await().ignoreExceptionsMatching(e -> e instanceof IOException).until(() -> consumers() == 1);
    }

    private long consumers() throws IOException, TimeoutException {
        try (Channel looking = connection.createChannel()) {
            return looking.consumerCount("inventory");
        }
    }

    @AfterAll
    void closeConnection() throws IOException {
        connection.close();
    }

    @Override
    void publish(String type, String envelope) throws IOException, InterruptedException, TimeoutException {
        AMQP.BasicProperties properties = MessageProperties.PERSISTENT_BASIC
                .builder()
                .contentType("application/json")
                .build();
        channel.basicPublish("orders", type, true, properties, envelope.getBytes(StandardCharsets.UTF_8));
        channel.waitForConfirmsOrDie(TIMEOUT_MILLIS);
    }

    @Test
    void bindsItsQueueWithTheTypesThatItHasHandlersForAndNoOther() throws Exception {
        publish("order.paid", "{}");
        assertThat(returned.poll(TIMEOUT_MILLIS, TimeUnit.MILLISECONDS)).isEqualTo("order.paid");
    }
}
