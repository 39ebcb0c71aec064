package dev.outbox.sample.demo;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;

/** A queue beside that of the inventory service, which gets everything that is published to the exchange. */
final class OrdersQueue implements OrdersView {

    static final String EXCHANGE = "orders";

    private static final String QUEUE = "demo";
    private static final String INVENTORY = "inventory";

    /** Nobody reads it after the story: then the oldest go. */
    private static final int LENGTH_MAX = 10_000;

    private static final long TIMEOUT_MILLIS = 30_000;

    private final Connection connection;
    private final Channel channel;
    private final List<GetResponse> taken = new ArrayList<>();

    OrdersQueue(ConnectionFactory server) {
        try {
            this.connection = server.newConnection("demo");
            this.channel = connection.createChannel();
            channel.confirmSelect();
        } catch (IOException | TimeoutException e) {
            throw failed("Queue cannot be looked at", e);
        }
    }

    /** Makes exchange and queue, which outlive this. */
    static void declare(ConnectionFactory server) {
        try (Connection connection = server.newConnection("demo");
                Channel channel = connection.createChannel()) {
            channel.exchangeDeclare(EXCHANGE, "topic", true);
            channel.queueDeclare(QUEUE, true, false, false, Map.of("x-max-length", LENGTH_MAX));
            channel.queueBind(QUEUE, EXCHANGE, "#");
        } catch (IOException | TimeoutException e) {
            throw failed("Queue not declared", e);
        }
    }

    @Override
    public String name() {
        return "messages on RabbitMQ";
    }

    @Override
    public List<Published> published() {
        try {
            for (GetResponse next = channel.basicGet(QUEUE, true); next != null; next = channel.basicGet(QUEUE, true)) {
                taken.add(next);
            }
        } catch (IOException e) {
            throw failed("Queue not read", e);
        }
        return taken.stream().map(OrdersQueue::published).toList();
    }

    private static Published published(GetResponse message) {
        String exchange = message.getEnvelope().getExchange();
        String routingKey = message.getEnvelope().getRoutingKey();
        return new Published(
                message.getProps().getMessageId(),
                String.valueOf(message.getProps().getHeaders().get("x-sequence")),
                exchange + ":" + routingKey,
                "exchange " + exchange + ", routing key " + routingKey);
    }

    @Override
    public String again(String eventId) {
        GetResponse first = taken.stream()
                .filter(each -> eventId.equals(each.getProps().getMessageId()))
                .findFirst()
                .orElseThrow();
        try {
            channel.basicPublish(
                    EXCHANGE, first.getEnvelope().getRoutingKey(), true, first.getProps(), first.getBody());
            channel.waitForConfirmsOrDie(TIMEOUT_MILLIS);
        } catch (IOException | TimeoutException e) {
            throw failed("Duplicate not published", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failed("Duplicate not published", e);
        }
        return "the same message went to exchange " + EXCHANGE + " with routing key "
                + first.getEnvelope().getRoutingKey() + " too";
    }

    /** What a consumer has in hand shows only when it is gone: then it is in the queue again. */
    @Override
    public void checkDone(Report report, Runnable stop) {
        stop.run();
        report.awaitFigure(
                "the queue " + INVENTORY + " without the service", this::inventory, "0 messages, 0 consumers");
    }

    private String inventory() {
        try {
            AMQP.Queue.DeclareOk found = channel.queueDeclarePassive(INVENTORY);
            return found.getMessageCount() + " messages, " + found.getConsumerCount() + " consumers";
        } catch (IOException e) {
            throw failed("Queue cannot be looked at", INVENTORY, e);
        }
    }

    private static IllegalStateException failed(String what, Exception cause) {
        return failed(what, QUEUE, cause);
    }

    private static IllegalStateException failed(String what, String queue, Exception cause) {
        return new IllegalStateException(what + ": queue=" + queue + ", exchange=" + EXCHANGE, cause);
    }

    @Override
    public void close() {
        connection.abort((int) TIMEOUT_MILLIS);
    }
}
