package dev.outbox.sample.order;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.sample.demo.JsonHttp;
import dev.outbox.sample.demo.JsonHttp.Answer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;

@ExtendWith(OutboxServers.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OrderServiceIT {

    private static final String TWO_ITEMS = """
            {"customer":"Ada","items":[{"sku":"pen","quantity":2,"unitPrice":1.50},{"sku":"ink","quantity":1,"unitPrice":7}]}
            """;

    private final TestDatabase database;
    private final ConfigurableApplicationContext service;
    private final JsonHttp http;

    OrderServiceIT(TestDatabase database) {
        this.database = database;
        this.service = OrderApplication.start(
                "--server.port=0",
                "--spring.datasource.url=" + database.jdbcUrl(),
                "--spring.datasource.username=" + database.user(),
                "--spring.datasource.password=" + database.password());
        this.http = new JsonHttp("http://127.0.0.1:" + service.getEnvironment().getProperty("local.server.port"));
    }

    @BeforeAll
    void refuseOnDemand() {
        // Stands for anything that fails after the change and its events were written, at the commit itself.
        database.execute("""
                create function refuse() returns trigger language plpgsql as $$
                  begin raise exception 'refused at commit'; end $$;
                create constraint trigger refuse after insert or update on orders
                  deferrable initially deferred for each row when (new.customer = 'Mallory') execute function refuse();
                alter table outbox.message add constraint refuse
                  check (type <> 'order.shipped' or payload->>'total' <> '13.13')
                """);
    }

    @AfterAll
    void stop() {
        service.close();
    }

    @Test
    void appendsEachEventOfAnOrdersWayOnce() throws Exception {
        Answer placed = http.post("/orders", TWO_ITEMS).expect(201);
        String id = placed.body().get("id").asString();
        assertThat(placed.body().get("status").asString()).isEqualTo("CREATED");
        assertThat(placed.body().get("total").decimalValue()).isEqualByComparingTo("10.00");

        http.post("/orders/" + id + "/items", "{\"sku\":\"pad\",\"quantity\":3,\"unitPrice\":2}")
                .expect(200);
        http.delete("/orders/" + id + "/items/ink").expect(200);
        for (String step : List.of("pay", "ship", "deliver", "refund")) {
            http.post("/orders/" + id + "/" + step, "").expect(200);
        }

        JsonNode order = http.get("/orders/" + id).expect(200).body();
        assertThat(order.get("status").asString()).isEqualTo("REFUNDED");
        assertThat(order.get("items"))
                .extracting(item -> item.get("sku").asString())
                .containsExactly("pad", "pen");
        assertThat(events(id))
                .containsExactly(
                        "order.created",
                        "order.item_added",
                        "order.item_removed",
                        "order.paid",
                        "order.status_changed",
                        "order.shipped",
                        "order.status_changed",
                        "order.delivered",
                        "order.status_changed",
                        "order.refunded",
                        "order.status_changed");
    }

    @Test
    void cancelsAPaidOrderAndRefundsIt() throws Exception {
        String id = place();
        for (String step : List.of("pay", "cancel", "refund")) {
            http.post("/orders/" + id + "/" + step, "").expect(200);
        }
        assertThat(events(id))
                .containsExactly(
                        "order.created",
                        "order.paid",
                        "order.status_changed",
                        "order.cancelled",
                        "order.status_changed",
                        "order.refunded",
                        "order.status_changed");
    }

    @Test
    void writesWhatTheEventsNeedToSay() throws Exception {
        String id = place();
        http.post("/orders/" + id + "/pay", "").expect(200);
        try (Connection connection = database.connection();
                PreparedStatement select = connection.prepareStatement("""
                        select topic, source, version, payload->>'from', payload->>'to', payload->>'orderId'
                        from outbox.message
                        where key = ? and type = 'order.status_changed'""")) {
            select.setString(1, id);
            try (ResultSet row = select.executeQuery()) {
                assertThat(row.next()).isTrue();
                assertThat(Stream.of(1, 2, 3, 4, 5, 6).map(n -> text(row, n)))
                        .containsExactly("orders", "order-service", "1.0", "CREATED", "PAID", id);
                assertThat(row.next()).isFalse();
            }
        }
    }

    @Test
    void givesItsEventsTheCallersCorrelationIdOrANewOne() throws Exception {
        Answer own = http.post("/orders", TWO_ITEMS, CorrelationFilter.HEADER, "basket-7")
                .expect(201);
        assertThat(own.headers().firstValue(CorrelationFilter.HEADER)).hasValue("basket-7");
        assertThat(count("select count(*) from outbox.message where correlation_id = 'basket-7'"))
                .isEqualTo(1);

        Answer made = http.post("/orders", TWO_ITEMS, CorrelationFilter.HEADER, "not valid")
                .expect(201);
        assertThat(made.headers().firstValue(CorrelationFilter.HEADER).orElse(""))
                .hasSize(36);
        assertThat(count("select count(*) from outbox.message where correlation_id is null"))
                .isZero();
    }

    @Test
    void answersConflictToAStepThatDoesNotFitAndAppendsNothing() throws Exception {
        String id = place();
        for (String step : List.of("ship", "deliver", "refund")) {
            Answer answer = http.post("/orders/" + id + "/" + step, "").expect(409);
            assertThat(answer.contentType()).startsWith("application/problem+json");
            assertThat(answer.body().get("detail").asString())
                    .contains("CREATED")
                    .contains(step);
        }
        http.post("/orders/" + id + "/cancel", "").expect(200);
        assertThat(http.post("/orders/" + id + "/refund", "").expect(409).body().toString())
                .contains("never paid");
        http.post("/orders/" + id + "/items", "{\"sku\":\"pad\",\"quantity\":3,\"unitPrice\":2}")
                .expect(409);
        assertThat(events(id)).containsExactly("order.created", "order.cancelled", "order.status_changed");
    }

    @Test
    void answersConflictToAnItemThatIsThereOrIsTheLast() throws Exception {
        String id = place();
        http.post("/orders/" + id + "/items", "{\"sku\":\"pen\",\"quantity\":1,\"unitPrice\":2}")
                .expect(409);
        http.delete("/orders/" + id + "/items/none").expect(409);
        http.delete("/orders/" + id + "/items/ink").expect(200);
        http.delete("/orders/" + id + "/items/pen").expect(409);
        assertThat(events(id)).containsExactly("order.created", "order.item_removed");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"customer\":\"\",\"items\":[{\"sku\":\"pen\",\"quantity\":1,\"unitPrice\":1}]}",
                "{\"customer\":\"A\\u0000\",\"items\":[{\"sku\":\"pen\",\"quantity\":1,\"unitPrice\":1}]}",
                "{\"customer\":\"Ada\",\"items\":[]}",
                "{\"customer\":\"Ada\",\"items\":[null]}",
                "{\"customer\":\"Ada\",\"items\":[{\"sku\":\"p e n\",\"quantity\":1,\"unitPrice\":1}]}",
                "{\"customer\":\"Ada\",\"items\":[{\"sku\":\"pen\",\"quantity\":0,\"unitPrice\":1}]}",
                "{\"customer\":\"Ada\",\"items\":[{\"sku\":\"pen\",\"quantity\":1,\"unitPrice\":-1}]}",
                "{\"customer\":\"Ada\",\"items\":[{\"sku\":\"pen\",\"quantity\":1,\"unitPrice\":1.234}]}",
                "{\"customer\":\"Ada\",\"items\":[{\"sku\":\"pen\",\"quantity\":1}]}",
                "{\"customer\":\"Ada\",\"items\":[{\"sku\":\"pen\",\"quantity\":1,\"unitPrice\":1},"
                        + "{\"sku\":\"pen\",\"quantity\":1,\"unitPrice\":1}]}"
            })
    void answersWithTheFieldsThatAreWrong(String body) {
        Answer answer = http.post("/orders", body).expect(400);
        assertThat(answer.contentType()).startsWith("application/problem+json");
        assertThat(answer.body().get("errors").size()).isPositive();
        assertThat(answer.body().get("errors").get(0).get("message").asString()).isNotEmpty();
    }

    @Test
    void answersWithAProblemToWhatCannotBeRead() {
        for (Answer answer : List.of(
                http.post("/orders", "not json"),
                http.get("/orders/not-a-uuid"),
                http.get("/orders?limit=0"),
                http.get("/orders?status=UNKNOWN"))) {
            assertThat(answer.expect(400).contentType()).startsWith("application/problem+json");
        }
        Answer none = http.get("/orders/00000000-0000-0000-0000-000000000000").expect(404);
        assertThat(none.contentType()).startsWith("application/problem+json");
        http.post("/orders/00000000-0000-0000-0000-000000000000/pay", "").expect(404);
    }

    @Test
    void listsTheNewestFirstAndByStatus() {
        String first = place();
        String second = place();
        http.post("/orders/" + first + "/pay", "").expect(200);
        List<String> newest = ids(http.get("/orders?limit=2"));
        assertThat(newest).containsExactly(second, first);
        assertThat(ids(http.get("/orders?status=PAID&limit=1"))).containsExactly(first);
    }

    @Test
    void appendsNothingWhenTheChangeIsRolledBackAtItsCommit() throws Exception {
        long before = count("select count(*) from outbox.message");
        http.post("/orders", TWO_ITEMS.replace("Ada", "Mallory")).expect(500);
        assertThat(count("select count(*) from orders where customer = 'Mallory'"))
                .isZero();
        assertThat(count("select count(*) from outbox.message")).isEqualTo(before);
    }

    @Test
    void changesNothingWhenItsEventCannotBeAppended() throws Exception {
        String id = http.post(
                        "/orders",
                        "{\"customer\":\"Ada\",\"items\":[{\"sku\":\"pen\",\"quantity\":1,\"unitPrice\":13.13}]}")
                .expect(201)
                .body()
                .get("id")
                .asString();
        http.post("/orders/" + id + "/pay", "").expect(200);
        http.post("/orders/" + id + "/ship", "").expect(500);
        assertThat(http.get("/orders/" + id).body().get("status").asString()).isEqualTo("PAID");
        assertThat(events(id)).containsExactly("order.created", "order.paid", "order.status_changed");
    }

    @Test
    void letsOneOfManyDoTheStep() throws Exception {
        String id = place();
        ExecutorService pool = Executors.newFixedThreadPool(6);
        try {
            Callable<Integer> pay =
                    () -> http.post("/orders/" + id + "/pay", "").status();
            List<Integer> statuses = new ArrayList<>();
            for (Future<Integer> answer : pool.invokeAll(List.of(pay, pay, pay, pay, pay, pay))) {
                statuses.add(answer.get());
            }
            assertThat(statuses).containsExactlyInAnyOrder(200, 409, 409, 409, 409, 409);
        } finally {
            pool.shutdown();
        }
        assertThat(events(id)).containsExactly("order.created", "order.paid", "order.status_changed");
    }

    private String place() {
        return http.post("/orders", TWO_ITEMS).expect(201).body().get("id").asString();
    }

    private static List<String> ids(Answer list) {
        List<String> ids = new ArrayList<>();
        list.expect(200).body().forEach(order -> ids.add(order.get("id").asString()));
        return ids;
    }

    /** The types of the events of an order, in their order. */
    private List<String> events(String orderId) throws SQLException {
        try (Connection connection = database.connection();
                PreparedStatement select =
                        connection.prepareStatement("select type from outbox.message where key = ? order by seq")) {
            select.setString(1, orderId);
            try (ResultSet rows = select.executeQuery()) {
                List<String> types = new ArrayList<>();
                while (rows.next()) {
                    types.add(rows.getString(1));
                }
                return types;
            }
        }
    }

    private long count(String sql) throws SQLException {
        try (Connection connection = database.connection();
                PreparedStatement select = connection.prepareStatement(sql);
                ResultSet row = select.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }

    private static String text(ResultSet row, int column) {
        try {
            return row.getString(column);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
