package dev.outbox.sample.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** Places orders, follows one of them from table to table, and delivers its event a second time. */
final class Story {

    private static final String APPENDED = """
            select seq, xid::text, id::text, type, occurred_at::text
            from outbox.message
            where key = ?
            order by seq
            limit 1
            """;

    /** The first position of the lane that covers the message, and that says it published to its place: its receipt. */
    private static final String RECEIPT = """
            select c.channel || '/' || c.lane as lane, c.no, c.made_at::text,
              round(1000 * extract(epoch from c.made_at - m.occurred_at)) as ms
            from outbox.message m
            join outbox.checkpoint c on c.channel = m.channel
            where c.broker_positions -> ?::text is not null and m.id = ?::uuid and pg_visible_in_snapshot(m.xid, c.snapshot)
            order by c.no
            limit 1
            """;

    private static final String RECEIVED = """
            select consumer, received_at::text,
              round(1000 * extract(epoch from received_at - ?::timestamptz)) as ms
            from outbox.inbox
            where message_id = ?
            """;

    private final Report report;
    private final JsonHttp shop;
    private final DemoServers.Service inventory;
    private final Rows orders;
    private final Rows stock;
    private final OrdersView view;
    private final Runnable stopInventory;

    Story(Report report, DemoServers servers, Rows orders, Rows stock, OrdersView view) {
        this.report = report;
        this.shop = servers.orderService();
        this.inventory = servers.inventoryService();
        this.stopInventory = servers::stopInventoryService;
        this.orders = orders;
        this.stock = stock;
        this.view = view;
    }

    void tell() {
        report.title("The stock, and a first order");
        setStock("pen", 100);
        setStock("ink", 50);
        setStock("pad", 5);

        report.figure("stock before any order, available/reserved", allStock(), "ink 50/0, pad 5/0, pen 100/0");

        String followed = place("Ada", "pen 2", "ink 1");
        String id = follow(followed);
        placeMore();
        report.title("Every event went out once, and was received once");
        countEverything();
        deliverAgain(id);
    }

    private String follow(String order) {
        report.title("The way of one order's event (" + order + ")");
        Rows.Row row = orders.first(APPENDED, order).orElseThrow();
        String id = row.get("id");
        report.figure("appended, in the order's own transaction", row.get("type"), "order.created");
        report.say("outbox.message: seq=" + row.get("seq") + ", xid=" + row.get("xid") + ", id=" + id);

        report.awaitFigure("published, " + view.name(), () -> view.published(id).size(), 1);
        OrdersView.Published published = view.published(id).get(0);
        report.say(published.place());
        report.figure("its header sequence", published.sequence(), row.get("seq"));
        report.awaitFigure(
                "receipt in outbox.checkpoint, for " + published.destination(),
                () -> orders.first(RECEIPT, published.destination(), id).isPresent(),
                true);
        orders.first(RECEIPT, published.destination(), id)
                .ifPresent(receipt -> report.say("lane " + receipt.get("lane") + ", checkpoint no=" + receipt.get("no")
                        + ", made_at=" + receipt.get("made_at") + ", " + receipt.get("ms") + " ms after the append"));

        String appendedAt = row.get("occurred_at");
        report.awaitFigure(
                "received, row in the inventory's outbox.inbox",
                () -> stock.first(RECEIVED, appendedAt, id).isPresent(),
                true);
        stock.first(RECEIVED, appendedAt, id)
                .ifPresent(inbox -> report.say("consumer=" + inbox.get("consumer") + ", received_at="
                        + inbox.get("received_at") + ", " + inbox.get("ms") + " ms after the append"));
        report.figure("stock after it, available/reserved", allStock(), "ink 49/1, pad 5/0, pen 98/2");
        return id;
    }

    private void placeMore() {
        report.title("More orders");
        String bob = place("Bob", "pen 3");
        step(bob, "cancel");
        String cleo = place("Cleo", "ink 1", "pad 1");
        step(cleo, "pay");
        step(cleo, "ship");
        String dan = place("Dan", "pad 10");
        String eve = place("Eve", "pen 4");
        step(eve, "pay");
        step(eve, "cancel");
        step(eve, "refund");

        report.title("What became of them in the inventory");
        report.awaitFigure("Bob's 3 pens, cancelled", () -> reservations(bob), "pen RELEASED");
        report.awaitFigure("Cleo's ink and pad, shipped", () -> reservations(cleo), "ink SHIPPED, pad SHIPPED");
        report.awaitFigure("Dan's 10 pads, of 5", () -> reservations(dan), "pad REJECTED (insufficient stock)");
        report.awaitFigure("Eve's 4 pens, cancelled", () -> reservations(eve), "pen RELEASED");
        report.awaitFigure("stock, available/reserved", this::allStock, "ink 48/1, pad 4/0, pen 98/2");
    }

    private void countEverything() {
        // 5 orders created, 6 steps with two events each.
        report.figure("messages appended", orders.number("select count(*) from outbox.message"), 17L);
        report.awaitFigure(view.name(), () -> view.published().size(), 17);
        report.figure(
                "different event ids among them",
                view.published().stream()
                        .map(OrdersView.Published::eventId)
                        .distinct()
                        .count(),
                17L);
        // What the inventory has a handler for: 5 created, 2 cancelled, 1 shipped.
        report.awaitFigure("ids in the inventory's inbox", () -> stock.number("select count(*) from outbox.inbox"), 8L);
        report.awaitFigure("messages still pending", () -> orders.number("select count(*) from outbox.pending"), 0L);
        report.figure("messages parked", orders.number("select count(*) from outbox.parked"), 0L);
    }

    private void deliverAgain(String id) {
        report.title("The first event is delivered once more");
        String before = allStock();
        report.say(view.again(id));
        report.awaitFigure(
                view.name() + " with id " + id, () -> view.published(id).size(), 2);
        report.awaitFigure(
                "received again, as the inventory's log says", () -> inventory.received(id, "DUPLICATE"), true);
        report.figure("stock has not moved, available/reserved", allStock(), before);
        report.figure(
                "rows of that id in the inbox",
                stock.number("select count(*) from outbox.inbox where message_id = ?", id),
                1L);
        view.checkDone(report, stopInventory);
    }

    private void setStock(String sku, int available) {
        JsonNode set = inventory
                .http()
                .put("/stock/" + sku, "{\"available\":" + available + "}")
                .expect(200)
                .body();
        report.figure("stock of " + sku + ", available", set.get("available").asInt(), available);
    }

    /** Each line is a sku and a quantity. */
    private String place(String customer, String... lines) {
        List<String> items = new ArrayList<>();
        for (String line : lines) {
            String[] parts = line.split(" ", 2);
            items.add("{\"sku\":\"%s\",\"quantity\":%s,\"unitPrice\":1.50}".formatted(parts[0], parts[1]));
        }
        String body = "{\"customer\":\"%s\",\"items\":[%s]}".formatted(customer, String.join(",", items));
        String id = shop.post("/orders", body).expect(201).body().get("id").asString();
        report.done(customer + " orders " + String.join(", ", lines) + ": " + id);
        return id;
    }

    private void step(String order, String step) {
        JsonNode after =
                shop.post("/orders/" + order + "/" + step, "").expect(200).body();
        report.say(step + ": " + after.get("status").asString());
    }

    private String allStock() {
        return inventory.http().get("/stock").expect(200).body().values().stream()
                .map(each ->
                        each.get("sku").asString() + " " + each.get("available").asLong() + "/"
                                + each.get("reserved").asLong())
                .collect(Collectors.joining(", "));
    }

    private String reservations(String order) {
        return inventory.http().get("/reservations/" + order).expect(200).body().values().stream()
                .map(each ->
                        each.get("sku").asString() + " " + each.get("state").asString()
                                + (each.get("reason").isNull()
                                        ? ""
                                        : " (" + each.get("reason").asString() + ")"))
                .collect(Collectors.joining(", "));
    }
}
