package dev.outbox.sample.inventory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.sample.demo.JsonHttp;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.OutboxTables;
import dev.outbox.testkit.TestDatabase;
import java.time.Duration;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;

/** What the inventory service promises, whichever broker its events come from. */
@ExtendWith(OutboxServers.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class InventoryContract {

    private final OutboxTables tables;
    private final ConfigurableApplicationContext service;
    private final JsonHttp http;

    /** @param broker arguments of the service that name the broker */
    InventoryContract(TestDatabase database, String... broker) {
        this.tables = OutboxTables.of(database.dataSource(), "outbox");
        this.service = InventoryApplication.start(Stream.concat(
                        Stream.of(
                                "--server.port=0",
                                "--spring.datasource.url=" + database.jdbcUrl(),
                                "--spring.datasource.username=" + database.user(),
                                "--spring.datasource.password=" + database.password()),
                        Stream.of(broker))
                .toArray(String[]::new));
        this.http = new JsonHttp("http://127.0.0.1:" + service.getEnvironment().getProperty("local.server.port"));
    }

    /** Puts the event where the service gets it from, behind those before. */
    abstract void publish(String type, String envelope) throws Exception;

    @AfterAll
    void stop() {
        service.close();
    }

    @Test
    void movesStockOnceForAnEventThatIsDeliveredThreeTimes() throws Exception {
        String sku = stocked(10);
        UUID order = UUID.randomUUID();
        UUID event = UUID.randomUUID();
        for (int n = 0; n < 3; n++) {
            deliver(event, "order.created", created(order, sku, 4));
        }
        awaitEverything();
        assertStock(sku, 6, 4);
        assertThat(reservation(order).get("state").asString()).isEqualTo("RESERVED");
    }

    @Test
    void givesBackWhatACancelledOrderHad() throws Exception {
        String sku = stocked(10);
        UUID order = UUID.randomUUID();
        deliver(UUID.randomUUID(), "order.created", created(order, sku, 4));
        UUID event = UUID.randomUUID();
        deliver(event, "order.cancelled", "{\"orderId\":\"%s\",\"total\":4.00}".formatted(order));
        deliver(event, "order.cancelled", "{\"orderId\":\"%s\",\"total\":4.00}".formatted(order));
        awaitEverything();
        assertStock(sku, 10, 0);
        assertThat(reservation(order).get("state").asString()).isEqualTo("RELEASED");
    }

    @Test
    void recordsWhatItCannotReserveAsRejectedAndGoesOn() throws Exception {
        String sku = stocked(3);
        UUID tooMuch = UUID.randomUUID();
        UUID unknown = UUID.randomUUID();
        UUID fits = UUID.randomUUID();
        deliver(UUID.randomUUID(), "order.created", created(tooMuch, sku, 4));
        deliver(UUID.randomUUID(), "order.created", created(unknown, "no-such-sku", 1));
        deliver(UUID.randomUUID(), "order.created", created(fits, sku, 3));
        awaitEverything();

        assertStock(sku, 0, 3);
        assertThat(reservation(tooMuch).get("state").asString()).isEqualTo("REJECTED");
        assertThat(reservation(tooMuch).get("reason").asString()).isEqualTo("insufficient stock");
        assertThat(reservation(unknown).get("reason").asString()).isEqualTo("unknown sku");
        assertThat(reservation(fits).get("state").asString()).isEqualTo("RESERVED");

        deliver(UUID.randomUUID(), "order.cancelled", "{\"orderId\":\"%s\"}".formatted(tooMuch));
        awaitEverything();
        assertStock(sku, 0, 3);
    }

    @Test
    void followsItemsThatComeAndGoAndGoodsThatLeave() throws Exception {
        String sku = stocked(10);
        String other = stocked(10);
        UUID order = UUID.randomUUID();
        String line = "{\"orderId\":\"%s\",\"sku\":\"%s\",\"quantity\":%d}";
        deliver(UUID.randomUUID(), "order.created", created(order, sku, 2));
        deliver(UUID.randomUUID(), "order.item_added", line.formatted(order, other, 3));
        deliver(UUID.randomUUID(), "order.item_removed", line.formatted(order, other, 3));
        awaitEverything();
        assertStock(other, 10, 0);

        deliver(UUID.randomUUID(), "order.item_added", line.formatted(order, other, 5));
        awaitEverything();
        assertStock(other, 5, 5);

        deliver(UUID.randomUUID(), "order.shipped", "{\"orderId\":\"%s\"}".formatted(order));
        awaitEverything();
        assertStock(sku, 8, 0);
        assertStock(other, 5, 0);
    }

    @Test
    void saysWhetherItStillHearsOfOrders() {
        assertThat(http.get("/actuator/health").expect(200).body().get("status").asString())
                .isEqualTo("UP");
    }

    @Test
    void answersWithAProblemToWhatIsWrong() {
        http.get("/stock/none").expect(404);
        http.put("/stock/pen", "{\"available\":-1}").expect(400);
        http.put("/stock/pen", "{}").expect(400);
        assertThat(http.put("/stock/p!n", "{\"available\":1}").expect(400).contentType())
                .startsWith("application/problem+json");
    }

    private String stocked(int available) {
        String sku = "sku-" + UUID.randomUUID();
        http.put("/stock/" + sku, "{\"available\":" + available + "}").expect(200);
        return sku;
    }

    private static String created(UUID order, String sku, int quantity) {
        return "{\"orderId\":\"%s\",\"customer\":\"Ada\",\"items\":[{\"sku\":\"%s\",\"quantity\":%d,\"unitPrice\":1.00}]}"
                .formatted(order, sku, quantity);
    }

    private void deliver(UUID event, String type, String data) throws Exception {
        publish(type, """
                {"eventId":"%s","eventType":"%s","eventVersion":"1.0","occurredAt":"2026-01-15T10:30:00Z",\
                "source":{"service":"order-service"},"data":%s}""".formatted(event, type, data));
    }

    /** Waits until everything delivered so far was received: what is delivered last is received last. */
    private void awaitEverything() throws Exception {
        UUID last = UUID.randomUUID();
        deliver(last, "order.shipped", "{\"orderId\":\"%s\"}".formatted(UUID.randomUUID()));
        tables.awaitReceived("inventory-stock", last.toString(), Duration.ofMinutes(2));
    }

    private void assertStock(String sku, int available, int reserved) {
        JsonNode stock = http.get("/stock/" + sku).expect(200).body();
        assertThat(stock.get("available").asInt()).as("available").isEqualTo(available);
        assertThat(stock.get("reserved").asInt()).as("reserved").isEqualTo(reserved);
    }

    private JsonNode reservation(UUID order) {
        JsonNode lines = http.get("/reservations/" + order).expect(200).body();
        assertThat(lines.size()).isEqualTo(1);
        return lines.get(0);
    }
}
