package dev.outbox.sample.inventory;

import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

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
}
