package dev.outbox.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.MessageProperties;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RabbitServerIT {

    private static final RabbitOptions NATIVE = RabbitOptions.defaults().asNativeOnly();
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    @Test
    void persistentMessagesOutliveStopAndKill() throws Exception {
        try (RabbitServer server = RabbitServer.start(NATIVE)) {
            int port = server.port();
            publish(server.connectionFactory(), "kept", 1, 50);
            server.stop();
            assertThat(server.isRunning()).isFalse();
            server.restart();
            publish(server.connectionFactory(), "kept", 51, 100);
            long pid = server.pid();
            server.kill();
            assertThat(Signals.isRunning(pid)).isFalse();
            server.restart();
            assertThat(server.port()).isEqualTo(port);
            assertThat(drain(server.connectionFactory(), "kept"))
                    .hasSize(100)
                    .startsWith("1")
                    .endsWith("100");
        }
    }

    private static void publish(ConnectionFactory factory, String queue, int first, int last) throws Exception {
        try (Connection connection = factory.newConnection();
                Channel channel = connection.createChannel()) {
            channel.queueDeclare(queue, true, false, false, null);
            channel.confirmSelect();
            for (int i = first; i <= last; i++) {
                channel.basicPublish(
                        "",
                        queue,
                        MessageProperties.PERSISTENT_BASIC,
                        Integer.toString(i).getBytes(StandardCharsets.UTF_8));
            }
            channel.waitForConfirmsOrDie(TIMEOUT.toMillis());
        }
    }

    private static List<String> drain(ConnectionFactory factory, String queue) throws Exception {
        List<String> bodies = new ArrayList<>();
        try (Connection connection = factory.newConnection();
                Channel channel = connection.createChannel()) {
            for (GetResponse got = channel.basicGet(queue, true); got != null; got = channel.basicGet(queue, true)) {
                bodies.add(new String(got.getBody(), StandardCharsets.UTF_8));
            }
        }
        return bodies;
    }
}
