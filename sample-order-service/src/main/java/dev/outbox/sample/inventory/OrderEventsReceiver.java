package dev.outbox.sample.inventory;

import com.rabbitmq.client.ConnectionFactory;
import dev.outbox.consumer.EventHandlers;
import dev.outbox.consumer.Receiver;
import dev.outbox.consumer.kafka.KafkaReceiver;
import dev.outbox.consumer.kafka.KafkaReceiverSettings;
import dev.outbox.consumer.rabbitmq.QueueDeclaration;
import dev.outbox.consumer.rabbitmq.RabbitReceiver;
import dev.outbox.consumer.rabbitmq.RabbitReceiverSettings;
import dev.outbox.inbox.Inbox;
import java.time.Duration;
import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * Receives the events of orders, from when the context starts until it closes, which finishes the event in hand. The
 * sample shows both brokers; a service of your own needs one of the two methods.
 */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(OrderEventsReceiver.Settings.class)
class OrderEventsReceiver {

    private static final Duration RETRY_FIRST = Duration.ofSeconds(1);
    private static final Duration RETRY_MAX = Duration.ofSeconds(30);

    enum Broker {
        KAFKA,
        RABBITMQ
    }

    @ConfigurationProperties("inventory")
    record Settings(Broker broker, Kafka kafka, RabbitMq rabbitmq) {}

    record Kafka(String bootstrapServers, String group, String topic) {}

    record RabbitMq(
            String host, int port, String user, String password, String virtualHost, String exchange, String queue) {}

    @Bean(destroyMethod = "close")
    Receiver orderEvents(Settings settings, Inbox inbox, OrderEventsHandler handler) {
        EventHandlers handlers = handler.handlers();
        return switch (settings.broker()) {
            case KAFKA -> fromKafka(settings.kafka(), inbox, handlers);
            case RABBITMQ -> fromRabbitMq(settings.rabbitmq(), inbox, handlers);
        };
    }

    private static KafkaReceiver fromKafka(Kafka kafka, Inbox inbox, EventHandlers handlers) {
        KafkaReceiverSettings settings = KafkaReceiverSettings.of(
                        kafka.bootstrapServers(), kafka.group(), List.of(kafka.topic()))
                .withRetry(RETRY_FIRST, RETRY_MAX);
        return KafkaReceiver.start(settings, inbox, handlers);
    }

    private static RabbitReceiver fromRabbitMq(RabbitMq rabbit, Inbox inbox, EventHandlers handlers) {
        ConnectionFactory server = new ConnectionFactory();
        server.setHost(rabbit.host());
        server.setPort(rabbit.port());
        server.setUsername(rabbit.user());
        server.setPassword(rabbit.password());
        server.setVirtualHost(rabbit.virtualHost());
        // The relay publishes an event with its type as the routing key.
        List<String> routingKeys = List.copyOf(handlers.types());
        RabbitReceiverSettings settings = RabbitReceiverSettings.of(server, rabbit.queue())
                .withDeclaration(QueueDeclaration.quorum(rabbit.exchange(), routingKeys))
                .withRetry(RETRY_FIRST, RETRY_MAX);
        return RabbitReceiver.start(settings, inbox, handlers);
    }
}
