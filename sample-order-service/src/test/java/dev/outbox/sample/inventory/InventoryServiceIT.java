package dev.outbox.sample.inventory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outbox.sample.demo.JsonHttp;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;

@ExtendWith(OutboxServers.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class InventoryServiceIT {

    private final KafkaServer kafka;
    private final String topic = KafkaServer.uniqueTopic("orders");
    private final ConfigurableApplicationContext service;
    private final JsonHttp http;
    private final KafkaProducer<byte[], byte[]> producer;

    InventoryServiceIT(TestDatabase database, KafkaServer kafka) {
        this.kafka = kafka;
        kafka.createTopic(topic, 1, Map.of());
        this.service = InventoryApplication.start(
                "--server.port=0",
                "--spring.datasource.url=" + database.jdbcUrl(),
                "--spring.datasource.username=" + database.user(),
                "--spring.datasource.password=" + database.password(),
                "--inventory.kafka.bootstrap-servers=" + kafka.bootstrapServers(),
                "--inventory.kafka.topic=" + topic,
                "--inventory.kafka.group=" + topic);
        this.http = new JsonHttp("http://127.0.0.1:" + service.getEnvironment().getProperty("local.server.port"));
        this.producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", kafka.bootstrapServers()),
                new ByteArraySerializer(),
                new ByteArraySerializer());
    }

    @AfterAll
    void stop() {
        producer.close();
        service.close();
    }

    @Test
    void movesStockOnceForAnEventThatIsDeliveredThreeTimes() throws Exception {
        String sku = stocked(10);
        UUID order = UUID.randomUUID();
        UUID event = UUID.randomUUID();
        for (int n = 0; n < 3; n++) {
            received(deliver(event, "order.created", created(order, sku, 4)));
        }
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
        received(deliver(event, "order.cancelled", "{\"orderId\":\"%s\",\"total\":4.00}".formatted(order)));
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
        received(deliver(UUID.randomUUID(), "order.created", created(fits, sku, 3)));

        assertStock(sku, 0, 3);
        assertThat(reservation(tooMuch).get("state").asString()).isEqualTo("REJECTED");
        assertThat(reservation(tooMuch).get("reason").asString()).isEqualTo("insufficient stock");
        assertThat(reservation(unknown).get("reason").asString()).isEqualTo("unknown sku");
        assertThat(reservation(fits).get("state").asString()).isEqualTo("RESERVED");

        received(deliver(UUID.randomUUID(), "order.cancelled", "{\"orderId\":\"%s\"}".formatted(tooMuch)));
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
        received(deliver(UUID.randomUUID(), "order.item_removed", line.formatted(order, other, 3)));
        assertStock(other, 10, 0);

        received(deliver(UUID.randomUUID(), "order.item_added", line.formatted(order, other, 5)));
        assertStock(other, 5, 5);

        received(deliver(UUID.randomUUID(), "order.shipped", "{\"orderId\":\"%s\"}".formatted(order)));
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

    /** Puts the event on the topic and returns its offset. */
    private long deliver(UUID event, String type, String data) throws ExecutionException, InterruptedException {
        String envelope = """
                {"eventId":"%s","eventType":"%s","eventVersion":"1.0","occurredAt":"2026-01-15T10:30:00Z",\
                "source":{"service":"order-service"},"data":%s}""".formatted(event, type, data);
        return producer.send(new ProducerRecord<>(topic, envelope.getBytes(StandardCharsets.UTF_8)))
                .get()
                .offset();
    }

    /** Waits until the group's committed position is past the offset. */
    private void received(long offset) {
        TopicPartition partition = new TopicPartition(topic, 0);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
            await().atMost(Duration.ofMinutes(2)).until(() -> {
                OffsetAndMetadata committed = admin.listConsumerGroupOffsets(topic)
                        .partitionsToOffsetAndMetadata()
                        .get()
                        .get(partition);
                return committed != null && committed.offset() > offset;
            });
        }
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
