package dev.outbox.relay.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.Connection;
import dev.outbox.relay.broker.BrokerUnavailableException;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.RabbitServer;
import dev.outbox.testkit.RabbitVirtualHost;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OutboxServers.class)
class RabbitProbeIT {

    private final RabbitVirtualHost host;

    RabbitProbeIT(RabbitVirtualHost host) {
        this.host = host;
    }

    @Test
    void aServerThatTakesMessagesSaysWhoItIs() {
        RabbitProbe.Answer answer = probe().ask();
        assertThat(answer.server()).startsWith("RabbitMQ ");
        assertThat(answer.objection()).isEmpty();
        assertThatThrownBy(
                        () -> RabbitProbe.of(RabbitSettings.of("127.0.0.1:1")).ask())
                .isInstanceOf(BrokerUnavailableException.class)
                .hasMessageContaining("127.0.0.1:1");
    }

    @Test
    void aTopicIsThereWhenWhatItsRoutesNameIsThere() throws Exception {
        String exchange = RabbitServer.uniqueName("probe");
        assertThat(probe().missing(exchange, RabbitRoutes.usual()))
                .get()
                .asString()
                .contains("404", exchange, "declare the exchange");
        try (Connection connection = host.connectionFactory().newConnection();
                var channel = connection.createChannel()) {
            channel.exchangeDeclare(exchange, "topic", true);
        }
        assertThat(probe().missing(exchange, RabbitRoutes.usual())).isEmpty();

        RabbitRoutes toQueue =
                RabbitRoutes.of(List.of(RabbitRoute.to("", "{topic}-queue").forTopic("commands")));
        assertThat(probe().missing("commands", toQueue)).get().asString().contains("commands-queue");
        RabbitRoutes declared = RabbitRoutes.of(
                List.of(RabbitRoute.to("", "{topic}-queue").forTopic("commands").withDeclare(true)));
        assertThat(probe().missing("commands", declared))
                .as("the relay declares it")
                .isEmpty();
        RabbitRoutes byKey =
                RabbitRoutes.of(List.of(RabbitRoute.to("{key}", "{type}").forTopic("commands")));
        assertThat(probe().missing("commands", byKey))
                .as("only a message would tell")
                .isEmpty();
    }

    private RabbitProbe probe() {
        RabbitServer server = host.server();
        return RabbitProbe.of(RabbitSettings.of(server.host() + ":" + server.port())
                .withLogin(server.user(), server.password())
                .withVirtualHost(host.name()));
    }
}
