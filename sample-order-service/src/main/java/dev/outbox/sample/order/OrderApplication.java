package dev.outbox.sample.order;

import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** The order service. Its settings are in {@code order-service.properties}; the environment overrides them. */
@SpringBootApplication(proxyBeanMethods = false)
public class OrderApplication {

    /** Starts the service, which runs until the JVM is asked to end. */
    public static void main(String[] args) {
        start(args);
    }

    /** Starts the service in this JVM; closing the context ends it. */
    public static ConfigurableApplicationContext start(String... args) {
        return new SpringApplicationBuilder(OrderApplication.class)
                .properties("spring.config.name=order-service")
                .run(args);
    }
}
