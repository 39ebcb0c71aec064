package dev.outbox.relay.config;

import dev.outbox.relay.ChannelSettings;
import dev.outbox.relay.Database;
import dev.outbox.relay.RelaySettings;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.rabbitmq.RabbitRoute;
import dev.outbox.relay.rabbitmq.RabbitSettings;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything a relay is started with, checked.
 *
 * @param database where the outbox is
 * @param relay what concerns the relay as a whole
 * @param channels the channels it serves, at least one
 * @param kafka the way to Kafka; there if a channel goes there
 * @param rabbit the way to RabbitMQ; there if a channel goes there
 */
public record RelayConfiguration(
        Database database,
        RelaySettings relay,
        List<Channel> channels,
        Optional<Kafka> kafka,
        Optional<Rabbit> rabbit) {

    /** The brokers that there are. */
    public enum BrokerKind {
        /** Apache Kafka. */
        KAFKA,
        /** RabbitMQ. */
        RABBITMQ
    }

    /**
     * One channel, where its messages go and how they are wrapped.
     *
     * @param settings how it is read
     * @param broker where its messages go
     * @param envelope how its messages are wrapped
     */
    public record Channel(ChannelSettings settings, BrokerKind broker, Envelope.Format envelope) {}

    /**
     * The way to Kafka.
     *
     * @param servers its addresses, {@code host:port}, separated by commas
     * @param properties further properties of the producer; some are secrets
     */
    public record Kafka(String servers, Map<String, String> properties) {

        /** Copies the properties. */
        public Kafka {
            properties = Map.copyOf(properties);
        }

        /** Never shows a secret. */
        @Override
        public String toString() {
            return "Kafka[servers=" + servers + ", properties=" + properties.keySet() + "]";
        }
    }

    /**
     * The way to RabbitMQ.
     *
     * @param settings its addresses and how to log in
     * @param routes where messages go there, the first that matches counting
     */
    public record Rabbit(RabbitSettings settings, List<RabbitRoute> routes) {

        /** Copies the routes. */
        public Rabbit {
            routes = List.copyOf(routes);
        }
    }

    /** Copies the channels. */
    public RelayConfiguration {
        channels = List.copyOf(channels);
    }
}
