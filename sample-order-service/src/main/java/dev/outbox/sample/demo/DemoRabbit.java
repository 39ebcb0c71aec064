package dev.outbox.sample.demo;

import dev.outbox.testkit.RabbitOptions;
import dev.outbox.testkit.RabbitServer;
import java.util.Map;
import java.util.TreeMap;

/**
 * RabbitMQ, with the exchange of the orders and a queue that gets everything: the demo looks on through it, and without
 * it the relay would park the events that the inventory service has no queue for.
 */
final class DemoRabbit implements DemoBroker {

    private final RabbitServer server;

    private DemoRabbit(RabbitServer server) {
        this.server = server;
    }

    static DemoRabbit start() {
        // A setting of its own keeps it off a server that the environment names for tests.
        RabbitOptions options = RabbitOptions.defaults().withSetting("heartbeat", "30");
        RabbitServer server = RabbitServer.start(DemoServers.isLinux() ? options.asNativeOnly() : options);
        OrdersQueue.declare(server.connectionFactory());
        return new DemoRabbit(server);
    }

    @Override
    public String description() {
        return "RabbitMQ           " + server.host() + ":" + server.port() + ", exchange " + OrdersQueue.EXCHANGE;
    }

    @Override
    public Map<String, String> relayEnvironment() {
        Map<String, String> environment = new TreeMap<>(address());
        environment.put("OUTBOX_CHANNELS_DEFAULT_BROKER", "rabbitmq");
        return environment;
    }

    @Override
    public Map<String, String> serviceEnvironment() {
        Map<String, String> environment = new TreeMap<>(address());
        environment.put("INVENTORY_BROKER", "rabbitmq");
        return environment;
    }

    private Map<String, String> address() {
        return Map.of(
                "RABBITMQ_HOST", server.host(),
                "RABBITMQ_PORT", String.valueOf(server.port()),
                "RABBITMQ_USER", server.user(),
                "RABBITMQ_PASS", server.password(),
                "RABBITMQ_VHOST", server.virtualHost());
    }

    @Override
    public OrdersView view() {
        return new OrdersQueue(server.connectionFactory());
    }

    @Override
    public void close() {
        server.close();
    }
}
