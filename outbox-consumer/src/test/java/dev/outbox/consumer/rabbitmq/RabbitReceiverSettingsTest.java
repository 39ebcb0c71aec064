package dev.outbox.consumer.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.Address;
import com.rabbitmq.client.ConnectionFactory;
import dev.outbox.consumer.OnMalformed;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RabbitReceiverSettingsTest {

    private static final RabbitReceiverSettings DEFAULTS = RabbitReceiverSettings.of(server(), "inventory");
    private static final List<String> KEYS = List.of("order.created");

    @Test
    void losesNothingByDefault() {
        assertThat(DEFAULTS.onMalformed()).isEqualTo(OnMalformed.RETRY);
        assertThat(DEFAULTS.declaration()).isNull();
        assertThat(DEFAULTS.prefetch()).isEqualTo(50);
        assertThat(QueueDeclaration.quorum("orders", KEYS).queueArguments())
                .containsEntry("x-queue-type", "quorum")
                .containsEntry("x-delivery-limit", Integer.MAX_VALUE);
        assertThat(QueueDeclaration.classic("orders", KEYS).queueArguments())
                .containsExactlyEntriesOf(Map.of("x-queue-type", "classic"));
    }

    @Test
    void takesTheQueuesArgumentsAsGiven() {
        assertThat(QueueDeclaration.quorum("orders", KEYS)
                        .withArguments(Map.of("x-delivery-limit", 5, "x-single-active-consumer", true))
                        .queueArguments())
                .containsEntry("x-delivery-limit", 5)
                .containsEntry("x-single-active-consumer", true);
    }

    @Test
    void refusesWhatIsOutOfBoundsByName() {
        assertThatThrownBy(() -> RabbitReceiverSettings.of(server(), " ")).hasMessageContaining("queue");
        assertThatThrownBy(() -> RabbitReceiverSettings.of(server(), "ü".repeat(128)))
                .hasMessageContaining("255");
        assertThatThrownBy(() -> DEFAULTS.withPrefetch(0)).hasMessageContaining("prefetch");
        assertThatThrownBy(() -> DEFAULTS.withRetry(Duration.ofSeconds(5), Duration.ofSeconds(1)))
                .hasMessageContaining("retryMax");
        assertThatThrownBy(() -> DEFAULTS.withCloseTimeout(Duration.ofDays(1))).hasMessageContaining("closeTimeout");
        assertThatThrownBy(() -> DEFAULTS.withHeartbeat(Duration.ZERO)).hasMessageContaining("heartbeat");
        assertThatThrownBy(() -> DEFAULTS.withHeartbeat(Duration.ofMillis(1500)))
                .hasMessageContaining("whole seconds");
        assertThatThrownBy(() -> DEFAULTS.withConnectionName("")).hasMessageContaining("connectionName");
        assertThatThrownBy(() -> DEFAULTS.withAddresses(Collections.nCopies(101, new Address("localhost"))))
                .hasMessageContaining("addresses");
    }

    @Test
    void refusesADeclarationThatIsOutOfBoundsByName() {
        assertThatThrownBy(() -> QueueDeclaration.quorum("", KEYS)).hasMessageContaining("exchange");
        assertThatThrownBy(() -> QueueDeclaration.quorum("orders", List.of())).hasMessageContaining("routingKeys");
        assertThatThrownBy(() -> QueueDeclaration.quorum("orders", List.of("k".repeat(256))))
                .hasMessageContaining("routingKeys");
        assertThatThrownBy(
                        () -> QueueDeclaration.quorum("orders", KEYS).withArguments(Map.of("x-queue-type", "stream")))
                .hasMessageContaining("x-queue-type");
    }

    @Test
    void showsNoPasswordAndKeepsACopyOfTheServer() {
        ConnectionFactory server = server();
        RabbitReceiverSettings settings = RabbitReceiverSettings.of(server, "inventory");
        server.setHost("elsewhere");
        assertThat(settings.toString())
                .contains("server=rabbit.example:5672", "virtualHost=shop", "queue=inventory")
                .doesNotContain("secret", "elsewhere");
    }

    private static ConnectionFactory server() {
        ConnectionFactory server = new ConnectionFactory();
        server.setHost("rabbit.example");
        server.setVirtualHost("shop");
        server.setPassword("secret");
        return server;
    }
}
