package dev.outbox.relay.config;

import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.rabbitmq.RabbitBroker;
import dev.outbox.relay.rabbitmq.RabbitRoute;
import dev.outbox.relay.rabbitmq.RabbitRoutes;
import dev.outbox.relay.rabbitmq.RabbitSettings;
import dev.outbox.relay.rabbitmq.RabbitTls;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Checks what was given for RabbitMQ, and makes of it what the engine takes. */
final class RabbitSettingsCheck {

    private static final int PORT = 5672;
    private static final int PORT_TLS = 5671;

    private final Map<String, Given> given;

    RabbitSettingsCheck(Map<String, Given> given) {
        this.given = given;
    }

    /** What is wrong beyond single values; those are known to be well formed. */
    List<Problem> problems() {
        List<Problem> problems = new ArrayList<>();
        for (int number : Settings.routes(given.keySet())) {
            String key = SettingTable.RABBIT_ROUTES + number;
            if (given(key, SettingTable.ROUTE_QUEUE) != null) {
                for (String other : List.of(SettingTable.ROUTE_EXCHANGE, SettingTable.ROUTE_ROUTING_KEY)) {
                    Given contradicting = given(key, other);
                    if (contradicting != null) {
                        problems.add(
                                new Problem(
                                        contradicting.key(),
                                        contradicting.origin(),
                                        "contradicts: the route has a queue, to which it sends straight; leave out one of them"));
                    }
                }
            }
            try {
                route(number);
            } catch (IllegalArgumentException e) {
                problems.add(new Problem(key, origin(key), "is not a route: " + e.getMessage()));
            }
        }
        tlsProblem().ifPresent(problems::add);
        return problems;
    }

    private Optional<Problem> tlsProblem() {
        for (String key : List.of(SettingTable.RABBIT_TRUST_STORE, SettingTable.RABBIT_KEY_STORE)) {
            Given file = given.get(key);
            if (file != null && !tls()) {
                return Optional.of(new Problem(
                        key,
                        file.origin(),
                        "contradicts: " + SettingTable.RABBIT_TLS + "=false does not encrypt; set it to true"));
            }
        }
        try {
            if (tls()) {
                RabbitBroker.of(settings("any"), RabbitRoutes.usual(), Envelope.Format.JSON);
            }
            return Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.of(new Problem(
                    SettingTable.RABBIT_TLS, origin(SettingTable.RABBIT_TLS), String.valueOf(e.getMessage())));
        }
    }

    /** The way to RabbitMQ, for a relay of this name. */
    RelayConfiguration.Rabbit rabbit(String relayName) {
        return new RelayConfiguration.Rabbit(
                settings("outbox-relay " + relayName),
                Settings.routes(given.keySet()).stream().map(this::route).toList());
    }

    private RabbitSettings settings(String connectionName) {
        String port = text(SettingTable.RABBIT_PORT);
        String usual = port.isEmpty() ? String.valueOf(tls() ? PORT_TLS : PORT) : port;
        String hosts = text(SettingTable.RABBIT_HOST).isEmpty() ? "localhost" : text(SettingTable.RABBIT_HOST);
        List<String> addresses = Arrays.stream(hosts.split(","))
                .map(String::strip)
                .map(host -> host.matches(".*[^\\]]:\\d+|.*]:\\d+") ? host : host + ":" + usual)
                .toList();
        String password = text(SettingTable.RABBIT_PASSWORD);
        return new RabbitSettings(
                addresses,
                text(SettingTable.RABBIT_USER),
                password.isEmpty() ? "guest" : password,
                text(SettingTable.RABBIT_VIRTUAL_HOST),
                connectionName,
                tls() ? Optional.of(tlsSettings()) : Optional.empty());
    }

    private RabbitTls tlsSettings() {
        RabbitTls tls = RabbitTls.ofJvm();
        String trustStore = text(SettingTable.RABBIT_TRUST_STORE);
        String keyStore = text(SettingTable.RABBIT_KEY_STORE);
        if (!trustStore.isEmpty()) {
            tls = tls.withTrustStore(Path.of(trustStore), text(SettingTable.RABBIT_TRUST_STORE_PASSWORD));
        }
        if (!keyStore.isEmpty()) {
            tls = tls.withKeyStore(Path.of(keyStore), text(SettingTable.RABBIT_KEY_STORE_PASSWORD));
        }
        return tls;
    }

    private RabbitRoute route(int number) {
        String key = SettingTable.RABBIT_ROUTES + number + ".";
        String queue = text(key + SettingTable.ROUTE_QUEUE);
        RabbitRoute route = queue.isEmpty()
                ? RabbitRoute.to(text(key + SettingTable.ROUTE_EXCHANGE), text(key + SettingTable.ROUTE_ROUTING_KEY))
                : RabbitRoute.to("", queue);
        return route.forTopic(text(key + SettingTable.ROUTE_TOPIC))
                .forType(text(key + SettingTable.ROUTE_TYPE))
                .withExchangeType(text(key + SettingTable.ROUTE_EXCHANGE_TYPE))
                .withQueueType(text(key + SettingTable.ROUTE_QUEUE_TYPE))
                .withDeclare(Boolean.parseBoolean(text(key + SettingTable.ROUTE_DECLARE)))
                .withMandatory(Boolean.parseBoolean(text(key + SettingTable.ROUTE_MANDATORY)));
    }

    private boolean tls() {
        return Boolean.parseBoolean(text(SettingTable.RABBIT_TLS));
    }

    private @Nullable Given given(String route, String setting) {
        return given.get(route + "." + setting);
    }

    private String origin(String prefix) {
        return given.values().stream()
                .filter(value -> value.key().startsWith(prefix))
                .map(Given::origin)
                .findFirst()
                .orElse("");
    }

    private String text(String key) {
        Given value = given.get(key);
        return value != null
                ? value.value()
                : SettingTable.find(key).map(Setting::usual).orElseThrow();
    }
}
