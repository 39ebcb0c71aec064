package dev.outbox.sample.inventory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.consumer.CompatibilityCheck;
import dev.outbox.consumer.EventHandlers;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

class StoredOrderEventsTest {

    private final EventHandlers handlers =
            new OrderEventsHandler(new StockStore(JdbcClient.create(new DriverManagerDataSource()))).handlers();

    @Test
    void everyVersionThatTheOrderServiceEverPublishedIsStillHandled() {
        CompatibilityCheck check = CompatibilityCheck.ofResources(handlers, "order-events");
        check.orThrow();
        // A handler without a sample would go unchecked; files are named type-version.json.
        assertThat(check.samples())
                .extracting(sample -> sample.name().substring(0, sample.name().indexOf('-')))
                .containsAll(handlers.types());
    }
}
