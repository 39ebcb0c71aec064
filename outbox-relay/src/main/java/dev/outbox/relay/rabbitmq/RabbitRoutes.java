package dev.outbox.relay.rabbitmq;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Where each message goes: the first route counts whose globs the message's topic and type match. Without one, the exchange
 * is the topic and the routing key is the type.
 *
 * <p>Thread-safe; {@link Lookup} is not.
 */
public final class RabbitRoutes {

    private static final RabbitRoute USUAL = RabbitRoute.to("{topic}", "{type}");

    private final List<Matching> routes;

    private record Matching(RabbitRoute route, Pattern topic, Pattern type) {}

    private RabbitRoutes(List<Matching> routes) {
        this.routes = routes;
    }

    /** These routes, the first that matches counting. */
    public static RabbitRoutes of(List<RabbitRoute> routes) {
        return new RabbitRoutes(routes.stream()
                .map(route -> new Matching(route, glob(route.topic()), glob(route.type())))
                .toList());
    }

    /** The exchange is the topic, the routing key is the type. */
    public static RabbitRoutes usual() {
        return of(List.of());
    }

    /** What can be declared before the first message is there. */
    List<Target> declaredFromTheStart() {
        return routes.stream()
                .map(Matching::route)
                .filter(RabbitRoute::declare)
                .filter(route -> RabbitRoute.literal(route.exchange())
                        && (!route.exchange().isEmpty() || RabbitRoute.literal(route.routingKey())))
                .map(route -> new Target(route, route.exchange(), route.routingKey(), route.exchange()))
                .toList();
    }

    /** Where messages of a topic may go without the relay declaring it, as far as no other part of a message decides. */
    List<Target> fixedTargets(String topic) {
        List<Target> targets = new ArrayList<>();
        for (RabbitRoute route : candidates(topic)) {
            String exchange = route.exchange().replace("{topic}", topic);
            String routingKey = route.routingKey().replace("{topic}", topic);
            boolean fixed = RabbitRoute.literal(exchange) && (!exchange.isEmpty() || RabbitRoute.literal(routingKey));
            if (fixed && !route.declare()) {
                targets.add(new Target(route, exchange, routingKey, exchange));
            }
        }
        return targets;
    }

    /** The routes of a topic, up to the first that takes all types. */
    private List<RabbitRoute> candidates(String topic) {
        List<RabbitRoute> candidates = new ArrayList<>();
        for (Matching each : routes) {
            if (each.topic.matcher(topic).matches()) {
                candidates.add(each.route);
                if (each.route.type().equals("*")) {
                    return candidates;
                }
            }
        }
        candidates.add(USUAL);
        return candidates;
    }

    Lookup lookup() {
        return new Lookup();
    }

    private RabbitRoute route(String topic, String type) {
        for (Matching each : routes) {
            if (each.topic.matcher(topic).matches() && each.type.matcher(type).matches()) {
                return each.route;
            }
        }
        return USUAL;
    }

    private static Pattern glob(String glob) {
        return Pattern.compile(
                glob.chars()
                        .mapToObj(c -> c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(Character.toString(c)))
                        .collect(Collectors.joining()),
                Pattern.DOTALL);
    }

    /**
     * Where one message goes.
     *
     * @param label what the receipt says: exchange and routing key, without what differs from key to key
     */
    record Target(RabbitRoute route, String exchange, String routingKey, String label) {

        /** What has to be there for a message to be taken: the exchange, or the queue behind the default exchange. */
        boolean isQueue() {
            return exchange.isEmpty();
        }

        /** For people. */
        @Override
        public String toString() {
            return isQueue() ? "queue=" + routingKey : "exchange=" + exchange + ", routingKey=" + routingKey;
        }
    }

    /** Finds targets quickly for the few topics and types that there are. Used by one thread. */
    final class Lookup {

        private static final int KNOWN_MAX = 10_000;
        private static final int NAME_BYTES_MAX = 255;

        private record TopicType(String topic, String type) {}

        private final Map<TopicType, Target> known = new HashMap<>();

        /** @throws IllegalArgumentException if a name comes out longer than AMQP can carry */
        Target target(String topic, String type, @Nullable String key, String source) {
            TopicType topicType = new TopicType(topic, type);
            Target target = known.get(topicType);
            if (target != null) {
                return target;
            }
            RabbitRoute route = route(topic, type);
            target = new Target(
                    route,
                    RabbitRoute.filled(route.exchange(), topic, type, key, source),
                    RabbitRoute.filled(route.routingKey(), topic, type, key, source),
                    label(route, topic, type, source));
            requireShort("exchange", target.exchange());
            requireShort("routing key", target.routingKey());
            requireName(route.exchange().isEmpty() ? "queue" : "exchange", route, target);
            if (!variesByMessage(route.exchange()) && !variesByMessage(route.routingKey())) {
                if (known.size() >= KNOWN_MAX) {
                    known.clear();
                }
                known.put(topicType, target);
            }
            return target;
        }

        private boolean variesByMessage(String template) {
            return template.contains("{key}") || template.contains("{source}");
        }

        /** A receipt has one entry for each label, so keys stay out of it. */
        private String label(RabbitRoute route, String topic, String type, String source) {
            String exchange = RabbitRoute.filled(route.exchange(), topic, type, "*", source);
            String routingKey = RabbitRoute.filled(route.routingKey(), topic, type, "*", source);
            return exchange.isEmpty() ? routingKey : exchange + ":" + routingKey;
        }

        /** An empty exchange would be the default one, and an empty queue one that RabbitMQ makes up. */
        private static void requireName(String what, RabbitRoute route, Target target) {
            String name = route.exchange().isEmpty() ? target.routingKey() : target.exchange();
            if (name.isEmpty()) {
                throw new IllegalArgumentException("The " + what + " has no name: the message gives nothing for "
                        + (route.exchange().isEmpty() ? route.routingKey() : route.exchange())
                        + "; give it a key, or change the route's template");
            }
            if (name.indexOf('\n') >= 0 || name.indexOf('\r') >= 0) {
                throw new IllegalArgumentException("The " + what
                        + " has a line break in its name, which RabbitMQ takes out when it is declared; change the message's"
                        + " topic or key, or the route's template");
            }
        }

        private static void requireShort(String what, String name) {
            int bytes = name.getBytes(StandardCharsets.UTF_8).length;
            if (bytes > NAME_BYTES_MAX) {
                throw new IllegalArgumentException("The " + what + " has " + bytes + " bytes, AMQP carries at most "
                        + NAME_BYTES_MAX + "; change the route's template or the message's key");
            }
        }
    }
}
