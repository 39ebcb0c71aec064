package dev.outbox.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outbox.relay.ChannelSettings;
import dev.outbox.relay.Database;
import dev.outbox.relay.LoggingListener;
import dev.outbox.relay.Relay;
import dev.outbox.relay.RelaySettings;
import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.kafka.KafkaBroker;
import dev.outbox.relay.rabbitmq.RabbitBroker;
import dev.outbox.relay.rabbitmq.RabbitRoutes;
import dev.outbox.relay.rabbitmq.RabbitSettings;
import dev.outbox.sample.demo.JsonHttp;
import dev.outbox.sample.inventory.InventoryApplication;
import dev.outbox.sample.order.OrderApplication;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.OutboxTables;
import dev.outbox.testkit.PostgresServer;
import dev.outbox.testkit.QueueReader;
import dev.outbox.testkit.RabbitServer;
import dev.outbox.testkit.RabbitVirtualHost;
import dev.outbox.testkit.TestDatabase;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.context.ConfigurableApplicationContext;

@ExtendWith(OutboxServers.class)
class EndToEndIT {

    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String ORDER =
            "{\"customer\":\"Ada\",\"items\":[{\"sku\":\"pen\",\"quantity\":4,\"unitPrice\":1.50}]}";

    @Test
    void reservesAndReleasesStockOverKafka(PostgresServer postgres, KafkaServer kafka) {
        placeAndCancel(
                postgres,
                KafkaBroker.of(kafka.bootstrapServers(), Map.of(), Envelope.Format.JSON),
                "--inventory.kafka.bootstrap-servers=" + kafka.bootstrapServers(),
                "--inventory.kafka.group=" + KafkaServer.uniqueTopic("inventory"));
    }

    @Test
    void reservesAndReleasesStockOverRabbitMq(PostgresServer postgres, RabbitVirtualHost rabbit) {
        RabbitServer server = rabbit.server();
        RabbitSettings settings = RabbitSettings.of(server.host() + ":" + server.port())
                .withLogin(server.user(), server.password())
                .withVirtualHost(rabbit.name());
        // It gets what the inventory service has no use for, and which would be parked otherwise.
        try (QueueReader everything = QueueReader.bound(rabbit, "orders", "#")) {
            placeAndCancel(
                    postgres,
                    RabbitBroker.of(settings, RabbitRoutes.usual(), Envelope.Format.JSON),
                    "--inventory.broker=rabbitmq",
                    "--inventory.rabbitmq.host=" + server.host(),
                    "--inventory.rabbitmq.port=" + server.port(),
                    "--inventory.rabbitmq.user=" + server.user(),
                    "--inventory.rabbitmq.password=" + server.password(),
                    "--inventory.rabbitmq.virtual-host=" + rabbit.name());
            assertThat(everything.await(6))
                    .extracting(each -> each.getProperties().getType())
                    .contains("order.paid", "order.cancelled");
        }
    }

    private static void placeAndCancel(PostgresServer postgres, Broker broker, String... inventoryArguments) {
        try (TestDatabase orders = postgres.createDatabase(
                        KafkaServer.uniqueTopic("orders").replace('-', '_'));
                TestDatabase stock =
                        postgres.createDatabase(KafkaServer.uniqueTopic("stock").replace('-', '_'));
                ConfigurableApplicationContext orderService = OrderApplication.start(database(orders));
                ConfigurableApplicationContext inventoryService =
                        InventoryApplication.start(database(stock, inventoryArguments));
                Relay relay = Relay.start(
                        new Database(orders.jdbcUrl(), orders.user(), orders.password(), "outbox"),
                        RelaySettings.defaults(),
                        Map.of(ChannelSettings.of("default"), broker),
                        new LoggingListener())) {
            JsonHttp inventory = http(inventoryService);
            JsonHttp shop = http(orderService);
            inventory.put("/stock/pen", "{\"available\":10}").expect(200);

            String kept =
                    shop.post("/orders", ORDER).expect(201).body().get("id").asString();
            String cancelled =
                    shop.post("/orders", ORDER).expect(201).body().get("id").asString();
            shop.post("/orders/" + kept + "/pay", "").expect(200);
            shop.post("/orders/" + cancelled + "/cancel", "").expect(200);

            OutboxTables tables = OutboxTables.of(orders.dataSource(), "outbox");
            assertThat(tables.appended("orders"))
                    .extracting(OutboxTables.Appended::type)
                    .containsExactly(
                            "order.created",
                            "order.created",
                            "order.paid",
                            "order.status_changed",
                            "order.cancelled",
                            "order.status_changed");
            tables.awaitPublished(PATIENCE);
            OutboxTables.of(stock.dataSource(), "outbox")
                    .awaitReceived(
                            "inventory-stock",
                            tables.appended("orders").get(0).id().toString(),
                            PATIENCE);
            await().atMost(PATIENCE)
                    .until(() -> state(inventory, cancelled).equals("RELEASED")
                            && state(inventory, kept).equals("RESERVED"));
            assertThat(inventory.get("/stock/pen").body().get("available").asInt())
                    .isEqualTo(6);
            assertThat(inventory.get("/stock/pen").body().get("reserved").asInt())
                    .isEqualTo(4);
            assertThat(relay.stopped()).isNotDone();
        }
    }

    private static String[] database(TestDatabase database, String... more) {
        return Stream.concat(
                        Stream.of(
                                "--server.port=0",
                                "--spring.datasource.url=" + database.jdbcUrl(),
                                "--spring.datasource.username=" + database.user(),
                                "--spring.datasource.password=" + database.password()),
                        Stream.of(more))
                .toArray(String[]::new);
    }

    private static JsonHttp http(ConfigurableApplicationContext service) {
        return new JsonHttp("http://127.0.0.1:" + service.getEnvironment().getProperty("local.server.port"));
    }

    private static String state(JsonHttp inventory, String order) {
        return inventory
                .get("/reservations/" + order)
                .body()
                .path(0)
                .path("state")
                .asString("");
    }
}
