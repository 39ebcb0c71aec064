package dev.outbox.relay.config;

import dev.outbox.relay.ChannelSettings;
import dev.outbox.relay.Database;
import dev.outbox.relay.RelaySettings;
import dev.outbox.relay.broker.Envelope;
import java.util.List;
import java.util.Map;

/**
 * Everything a relay is started with, checked.
 *
 * @param database where the outbox is
 * @param relay what concerns the relay as a whole
 * @param channels the channels it serves, at least one
 * @param kafkaServers Kafka's addresses, {@code host:port}, separated by commas
 * @param kafkaProperties further properties of the producer; some are secrets
 */
public record RelayConfiguration(
        Database database,
        RelaySettings relay,
        List<Channel> channels,
        String kafkaServers,
        Map<String, String> kafkaProperties) {

    /**
     * One channel, and how its messages are wrapped.
     *
     * @param settings how it is read
     * @param envelope how its messages are wrapped
     */
    public record Channel(ChannelSettings settings, Envelope.Format envelope) {}

    /** Copies the collections. */
    public RelayConfiguration {
        channels = List.copyOf(channels);
        kafkaProperties = Map.copyOf(kafkaProperties);
    }

    /** Never shows a secret. */
    @Override
    public String toString() {
        return "RelayConfiguration[database=" + database + ", relay=" + relay + ", channels=" + channels
                + ", kafkaServers=" + kafkaServers + ", kafkaProperties=" + kafkaProperties.keySet() + "]";
    }
}
