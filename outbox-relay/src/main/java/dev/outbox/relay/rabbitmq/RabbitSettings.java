package dev.outbox.relay.rabbitmq;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The way to a RabbitMQ.
 *
 * @param addresses {@code host:port}, tried in this order
 * @param user who logs in
 * @param password never logged
 * @param virtualHost where the exchanges are, usually {@code /}
 * @param connectionName how RabbitMQ's own tools call the connections
 * @param tls how to encrypt; empty for plain connections
 */
public record RabbitSettings(
        List<String> addresses,
        String user,
        String password,
        String virtualHost,
        String connectionName,
        Optional<RabbitTls> tls) {

    private static final Pattern ADDRESS = Pattern.compile("[^\\s:/]+:\\d{1,5}|\\[[0-9a-fA-F:.%]+]:\\d{1,5}");

    /** Checks the addresses and copies them. */
    public RabbitSettings {
        addresses = List.copyOf(addresses);
        if (addresses.isEmpty()) {
            throw new IllegalArgumentException("RabbitMQ has no address; give at least one host:port");
        }
        for (String address : addresses) {
            if (!ADDRESS.matcher(address).matches()) {
                throw new IllegalArgumentException(
                        "RabbitMQ address is not valid: address=" + address + "; write host:port");
            }
        }
    }

    /** Plain connections to these addresses, {@code host:port}, as {@code guest} to the virtual host {@code /}. */
    public static RabbitSettings of(String... addresses) {
        return new RabbitSettings(List.of(addresses), "guest", "guest", "/", "outbox-relay", Optional.empty());
    }

    /** The same with another login. */
    public RabbitSettings withLogin(String user, String password) {
        return new RabbitSettings(addresses, user, password, virtualHost, connectionName, tls);
    }

    /** The same with another virtual host. */
    public RabbitSettings withVirtualHost(String virtualHost) {
        return new RabbitSettings(addresses, user, password, virtualHost, connectionName, tls);
    }

    /** The same under another name. */
    public RabbitSettings withConnectionName(String connectionName) {
        return new RabbitSettings(addresses, user, password, virtualHost, connectionName, tls);
    }

    /** The same with encryption. */
    public RabbitSettings withTls(RabbitTls tls) {
        return new RabbitSettings(addresses, user, password, virtualHost, connectionName, Optional.of(tls));
    }

    /** Never shows the password. */
    @Override
    public String toString() {
        return "RabbitSettings[addresses=" + addresses + ", user=" + user + ", virtualHost=" + virtualHost
                + ", connectionName=" + connectionName + ", tls=" + tls + "]";
    }
}
