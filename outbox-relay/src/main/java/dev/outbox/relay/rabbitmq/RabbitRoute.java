package dev.outbox.relay.rabbitmq;

import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where messages of some topics and types go.
 *
 * <p>{@code topic} and {@code type} are globs: {@code *} stands for any characters, {@code ?} for one. {@code exchange} and
 * {@code routingKey} are templates: {@code {topic}}, {@code {type}}, {@code {key}} and {@code {source}} stand for the
 * message's own (nothing, where it has no key). The empty exchange is RabbitMQ's default exchange, whose routing key is the
 * name of a queue.
 *
 * <pre>{@code
 * RabbitRoute invoices = RabbitRoute.to("billing", "invoice.{key}").forTopic("invoices").forType("invoice.*");
 * RabbitRoute toOneQueue = RabbitRoute.to("", "shipping-commands").forTopic("shipping").withDeclare(true);
 * }</pre>
 *
 * @param topic which topics the route is for
 * @param type which types of events it is for
 * @param exchange the exchange to publish to; empty for the default exchange
 * @param routingKey the routing key; for the default exchange, the queue
 * @param exchangeType what kind of exchange is declared, such as {@code topic} or {@code x-consistent-hash}
 * @param queueType what kind of queue is declared where the exchange is the default exchange: {@code quorum} or {@code
 *     classic}
 * @param declare whether the relay declares the exchange, or the queue, durable, before it publishes to it
 * @param mandatory whether a message that no queue takes counts as refused; otherwise RabbitMQ drops it silently
 */
public record RabbitRoute(
        String topic,
        String type,
        String exchange,
        String routingKey,
        String exchangeType,
        String queueType,
        boolean declare,
        boolean mandatory) {

    private static final Set<String> VARIABLES = Set.of("topic", "type", "key", "source");
    private static final Set<String> QUEUE_TYPES = Set.of("quorum", "classic");
    private static final Pattern VARIABLE = Pattern.compile("\\{([^{}]*)}");
    private static final Pattern EXCHANGE_TYPE = Pattern.compile("[A-Za-z0-9._-]{1,127}");
    private static final int NAME_CHARS_MAX = 255;

    /** Checks names and templates. */
    public RabbitRoute {
        requireLength("topic", topic);
        requireLength("type", type);
        requireTemplate("exchange", exchange);
        requireTemplate("routing key", routingKey);
        if (exchange.isEmpty() && routingKey.isEmpty()) {
            throw new IllegalArgumentException(
                    "Route names no queue: the default exchange needs a routing key, the name of the queue");
        }
        if (!EXCHANGE_TYPE.matcher(exchangeType).matches()) {
            throw new IllegalArgumentException("Exchange type is not valid: " + exchangeType
                    + "; use topic, direct, fanout, headers, x-consistent-hash or another that the broker has");
        }
        if (!QUEUE_TYPES.contains(queueType)) {
            throw new IllegalArgumentException("Queue type is not valid: " + queueType + "; use quorum or classic");
        }
    }

    /** All messages go there; durable topic exchange, nothing is declared, what no queue takes is refused. */
    public static RabbitRoute to(String exchange, String routingKey) {
        return new RabbitRoute("*", "*", exchange, routingKey, "topic", "quorum", false, true);
    }

    /** The same for these topics only. */
    public RabbitRoute forTopic(String glob) {
        return new RabbitRoute(glob, type, exchange, routingKey, exchangeType, queueType, declare, mandatory);
    }

    /** The same for these types of events only. */
    public RabbitRoute forType(String glob) {
        return new RabbitRoute(topic, glob, exchange, routingKey, exchangeType, queueType, declare, mandatory);
    }

    /** The same with another kind of exchange, if it is declared. */
    public RabbitRoute withExchangeType(String exchangeType) {
        return new RabbitRoute(topic, type, exchange, routingKey, exchangeType, queueType, declare, mandatory);
    }

    /** The same with another kind of queue, if it is declared. */
    public RabbitRoute withQueueType(String queueType) {
        return new RabbitRoute(topic, type, exchange, routingKey, exchangeType, queueType, declare, mandatory);
    }

    /** The same, declaring what it publishes to or not. */
    public RabbitRoute withDeclare(boolean declare) {
        return new RabbitRoute(topic, type, exchange, routingKey, exchangeType, queueType, declare, mandatory);
    }

    /** The same, refusing what no queue takes or not. */
    public RabbitRoute withMandatory(boolean mandatory) {
        return new RabbitRoute(topic, type, exchange, routingKey, exchangeType, queueType, declare, mandatory);
    }

    /** A template with the message's own in place of the variables. */
    static String filled(String template, String topic, String type, @Nullable String key, String source) {
        if (template.indexOf('{') < 0) {
            return template;
        }
        Matcher matcher = VARIABLE.matcher(template);
        StringBuilder filled = new StringBuilder();
        while (matcher.find()) {
            String value = switch (matcher.group(1)) {
                case "topic" -> topic;
                case "type" -> type;
                case "source" -> source;
                default -> key == null ? "" : key;
            };
            matcher.appendReplacement(filled, Matcher.quoteReplacement(value));
        }
        return matcher.appendTail(filled).toString();
    }

    /** Whether a name is the same for every message. */
    static boolean literal(String template) {
        return template.indexOf('{') < 0;
    }

    private static void requireTemplate(String what, String template) {
        requireLength(what, template);
        Matcher matcher = VARIABLE.matcher(template);
        while (matcher.find()) {
            if (!VARIABLES.contains(matcher.group(1))) {
                throw new IllegalArgumentException("Route has an unknown variable: " + what + "=" + template
                        + "; use {topic}, {type}, {key} or {source}");
            }
        }
        if (matcher.replaceAll("").matches(".*[{}].*")) {
            throw new IllegalArgumentException("Route has a brace without its partner: " + what + "=" + template
                    + "; use {topic}, {type}, {key} or {source}");
        }
    }

    private static void requireLength(String what, String text) {
        if (text.length() > NAME_CHARS_MAX) {
            throw new IllegalArgumentException(
                    "Route's " + what + " is too long: characters=" + text.length() + "; most=" + NAME_CHARS_MAX);
        }
    }
}
