package dev.outbox.consumer.rabbitmq;

import com.rabbitmq.client.Channel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a receiver declares before it consumes: its queue, durable; the exchange that the events are published to, a
 * durable topic exchange; and the bindings between the two. Immutable.
 *
 * <p>Declaring what is there already changes nothing. Where it is there with other arguments, the broker refuses, and
 * the receiver says so and tries again. Bindings are only added: one that is not wanted any more has to be removed by
 * hand.
 *
 * <pre>{@code
 * QueueDeclaration.quorum("orders", List.of("order.created", "order.cancelled"))
 * }</pre>
 *
 * <p>A quorum queue throws messages away that came back too often: from RabbitMQ 4 on after 20 times, and every end of a
 * connection may count. The declaration puts that limit where it is never met ({@code x-delivery-limit}), unless given.
 *
 * @param type what kind of queue
 * @param exchange the exchange, 1 to 255 bytes; by default the relay publishes to one that is called like the topic
 * @param routingKeys which events the queue gets, 1 to 100 keys of at most 255 bytes; by default the relay publishes
 *     with the event's type; {@code *} stands for one word and {@code #} for any number
 * @param arguments further arguments of the queue, such as {@code x-single-active-consumer}
 */
public record QueueDeclaration(Type type, String exchange, List<String> routingKeys, Map<String, Object> arguments) {

    /** What kind of queue. */
    public enum Type {
        /** Replicated, and written to disk before a message counts as published. */
        QUORUM,
        /** On one node. */
        CLASSIC
    }

    private static final String TYPE = "x-queue-type";
    private static final String DELIVERY_LIMIT = "x-delivery-limit";
    private static final int NAME_BYTES_MAX = 255;
    private static final int ROUTING_KEYS_MAX = 100;

    /**
     * Checks the ranges and copies the collections.
     *
     * @throws IllegalArgumentException if a value is out of its bounds; the text names it
     */
    public QueueDeclaration {
        RabbitReceiverSettings.require(isName(exchange), "exchange", "1..255 bytes", exchange);
        RabbitReceiverSettings.require(
                !routingKeys.isEmpty() && routingKeys.size() <= ROUTING_KEYS_MAX,
                "routingKeys",
                "1.." + ROUTING_KEYS_MAX,
                routingKeys.size());
        for (String key : routingKeys) {
            RabbitReceiverSettings.require(bytes(key) <= NAME_BYTES_MAX, "routingKeys", "keys of 0..255 bytes", key);
        }
        RabbitReceiverSettings.require(
                !arguments.containsKey(TYPE), "arguments[" + TYPE + "]", "set by the type", "given");
        routingKeys = List.copyOf(routingKeys);
        arguments = Map.copyOf(arguments);
    }

    /** A quorum queue that gets the events of this exchange with these routing keys. */
    public static QueueDeclaration quorum(String exchange, List<String> routingKeys) {
        return new QueueDeclaration(Type.QUORUM, exchange, routingKeys, Map.of());
    }

    /** A classic queue that gets the events of this exchange with these routing keys. */
    public static QueueDeclaration classic(String exchange, List<String> routingKeys) {
        return new QueueDeclaration(Type.CLASSIC, exchange, routingKeys, Map.of());
    }

    /** This declaration with these further arguments of the queue. */
    public QueueDeclaration withArguments(Map<String, Object> arguments) {
        return new QueueDeclaration(type, exchange, routingKeys, arguments);
    }

    void declare(Channel channel, String queue) throws IOException {
        channel.exchangeDeclare(exchange, "topic", true);
        channel.queueDeclare(queue, true, false, false, queueArguments());
        for (String key : routingKeys) {
            channel.queueBind(queue, exchange, key);
        }
    }

    Map<String, Object> queueArguments() {
        Map<String, Object> all = new HashMap<>();
        switch (type) {
            case QUORUM -> {
                all.put(TYPE, "quorum");
                all.put(DELIVERY_LIMIT, Integer.MAX_VALUE);
            }
            case CLASSIC -> all.put(TYPE, "classic");
        }
        all.putAll(arguments);
        return all;
    }

    private static boolean isName(String name) {
        return !name.isEmpty() && bytes(name) <= NAME_BYTES_MAX;
    }

    private static int bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }
}
