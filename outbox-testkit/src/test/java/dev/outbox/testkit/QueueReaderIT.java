package dev.outbox.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.GetResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OutboxServers.class)
class QueueReaderIT {

    @Test
    void readsWhatIsPublishedToAnExchange(RabbitVirtualHost host) throws Exception {
        String exchange = RabbitServer.uniqueName("orders");
        try (QueueReader orders = QueueReader.bound(host, exchange, "order.*");
                QueueReader all = QueueReader.bound(host, exchange, "#");
                Connection connection = host.connectionFactory().newConnection();
                Channel channel = connection.createChannel()) {
            for (String type : new String[] {"order.created", "payment.made", "order.cancelled"}) {
                channel.basicPublish(
                        exchange,
                        type,
                        new AMQP.BasicProperties.Builder()
                                .type(type)
                                .headers(Map.of("x-key", type.substring(0, 1)))
                                .build(),
                        bytes(type + "!"));
            }
            assertThat(all.await(3)).extracting(QueueReader::body).contains("payment.made!");
            assertThat(orders.await(2))
                    .extracting(each -> each.getProperties().getType())
                    .containsExactly("order.created", "order.cancelled");
            assertThat(orders.await(2))
                    .extracting(each -> QueueReader.header(each, "x-key"))
                    .containsOnly("o");
            assertThatThrownBy(() -> QueueReader.header(orders.await(1).get(0), "x-none"))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("x-none");
            assertThatThrownBy(() -> orders.await(3, Duration.ofMillis(50)))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("expected=3, read=2");
        }
    }

    @Test
    void takesMessagesOutOfAQueueAndTellsWhenItIsGone(RabbitVirtualHost host) throws Exception {
        String queue = RabbitServer.uniqueName("waiting");
        assertThatThrownBy(() -> QueueReader.of(host, queue)).hasMessageContaining(queue);
        try (Connection connection = host.connectionFactory().newConnection();
                Channel channel = connection.createChannel()) {
            channel.queueDeclare(queue, true, false, false, Map.of());
            for (int i = 0; i < 3; i++) {
                channel.basicPublish("", queue, null, bytes("m" + i));
            }
            try (QueueReader reader = QueueReader.of(host, queue)) {
                assertThat(reader.await(3)).extracting(QueueReader::body).containsExactly("m0", "m1", "m2");
                assertThat(reader.queue()).isEqualTo(queue);
            }
            GetResponse left = channel.basicGet(queue, true);
            assertThat(left).isNull();
            try (QueueReader reader = QueueReader.of(host, queue)) {
                channel.queueDelete(queue);
                assertThatThrownBy(() -> reader.await(1))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("gone");
            }
        }
    }

    @Test
    void theVirtualHostIsOfTheClass(RabbitVirtualHost host, RabbitServer server) {
        assertThat(host.server()).isSameAs(server);
        assertThat(host.name())
                .satisfiesAnyOf(
                        name -> assertThat(name).startsWith("queue_reader_it_"),
                        name -> assertThat(Settings.find("OUTBOX_TEST_RABBITMQ"))
                                .isNotNull());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
