package dev.outbox.sample.inventory;

import dev.outbox.consumer.EventHandlers;
import dev.outbox.consumer.kafka.KafkaReceiver;
import dev.outbox.consumer.kafka.KafkaReceiverSettings;
import dev.outbox.inbox.Inbox;
import java.time.Duration;
import java.util.List;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;

/** The inventory service. Its settings are in {@code inventory-service.properties}; the environment overrides them. */
@SpringBootApplication(proxyBeanMethods = false)
public class InventoryApplication {

    /** Starts the service, which runs until the JVM is asked to end. */
    public static void main(String[] args) {
        start(args);
    }

    /** Starts the service in this JVM; closing the context ends it. */
    public static ConfigurableApplicationContext start(String... args) {
        return new SpringApplicationBuilder(InventoryApplication.class)
                .properties("spring.config.name=inventory-service")
                .run(args);
    }

    /** Receives from Kafka from when the context starts until it closes, which finishes the event in hand. */
    @Bean(destroyMethod = "close")
    KafkaReceiver orderEventsReceiver(
            @Value("${inventory.kafka.bootstrap-servers}") String bootstrapServers,
            @Value("${inventory.kafka.group:inventory-service}") String group,
            @Value("${inventory.kafka.topic:orders}") String topic,
            Inbox inbox,
            OrderEventsHandler handler) {
        EventHandlers handlers = EventHandlers.of("inventory-stock")
                .on("order.created", handler::created)
                .on("order.item_added", handler::itemAdded)
                .on("order.item_removed", handler::itemRemoved)
                .on("order.cancelled", handler::cancelled)
                .on("order.shipped", handler::shipped);
        KafkaReceiverSettings settings = KafkaReceiverSettings.of(bootstrapServers, group, List.of(topic))
                .withRetry(Duration.ofSeconds(1), Duration.ofSeconds(30));
        return KafkaReceiver.start(settings, inbox, handlers);
    }
}
