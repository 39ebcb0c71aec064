package dev.outbox.consumer.rabbitmq;

import com.rabbitmq.client.Address;
import com.rabbitmq.client.ConnectionFactory;
import dev.outbox.consumer.OnMalformed;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a {@link RabbitReceiver} receives. Immutable; start from {@link #of} and change what differs.
 *
 * <pre>{@code
 * ConnectionFactory server = new ConnectionFactory();
 * server.setHost("rabbitmq.example.org");
 * server.useSslProtocol(SSLContext.getDefault());
 * server.enableHostnameVerification();
 * RabbitReceiverSettings.of(server, "inventory")
 *         .withDeclaration(QueueDeclaration.quorum("orders", List.of("order.created", "order.cancelled")))
 * }</pre>
 *
 * @param server where the server is and how to log in: host, user, virtual host, TLS. A copy is taken, and the receiver
 *     connects again by itself in place of the client's recovery
 * @param addresses the nodes of a cluster, tried in any order; none (default) for the host and port of {@code server}
 * @param queue the queue to receive from, 1 to 255 bytes
 * @param declaration what to declare before; nothing by default: the queue has to be there
 * @param prefetch how many events the broker sends ahead, 1 to 10,000; 50 by default. They are kept in memory
 * @param onMalformed what happens to a message that is not an event; {@link OnMalformed#RETRY} by default
 * @param retryFirst the wait before an event that failed is handled again, doubled for each further attempt; 10 ms to
 *     1 h; 2 s by default
 * @param retryMax the longest such wait, up to 1 h; 30 s by default
 * @param closeTimeout how long closing waits for the event that is being handled, 0 to 1 h; 20 s by default
 * @param heartbeat how often both ends are heard of at least; after two without a word the connection counts as lost; whole
 *     seconds, 1 s to 10 min; 10 s by default
 * @param connectionName what the broker's own tools call the connection, 1 to 300 bytes; {@code outbox-receiver-} and
 *     the queue by default
 */
public record RabbitReceiverSettings(
        ConnectionFactory server,
        List<Address> addresses,
        String queue,
        @Nullable QueueDeclaration declaration,
        int prefetch,
        OnMalformed onMalformed,
        Duration retryFirst,
        Duration retryMax,
        Duration closeTimeout,
        Duration heartbeat,
        String connectionName) {

    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration HEARTBEAT_MAX = Duration.ofMinutes(10);
    private static final int NAME_BYTES_MAX = 255;
    private static final int CONNECTION_NAME_BYTES_MAX = 300;
    private static final int PREFETCH_MAX = 10_000;
    private static final int ADDRESSES_MAX = 100;

    /**
     * Checks the ranges and copies what can change.
     *
     * @throws IllegalArgumentException if a setting is out of its bounds; the text names it
     */
    public RabbitReceiverSettings {
        require(addresses.size() <= ADDRESSES_MAX, "addresses", "0.." + ADDRESSES_MAX, addresses.size());
        require(isName(queue, NAME_BYTES_MAX), "queue", "1.." + NAME_BYTES_MAX + " bytes", queue);
        require(prefetch >= 1 && prefetch <= PREFETCH_MAX, "prefetch", "1.." + PREFETCH_MAX, prefetch);
        require(within(retryFirst, Duration.ofMillis(10), HOUR), "retryFirst", "10ms..1h", retryFirst);
        require(within(retryMax, retryFirst, HOUR), "retryMax", "retryFirst..1h", retryMax);
        require(within(closeTimeout, Duration.ZERO, HOUR), "closeTimeout", "0..1h", closeTimeout);
        require(
                within(heartbeat, Duration.ofSeconds(1), HEARTBEAT_MAX)
                        && heartbeat.equals(heartbeat.truncatedTo(ChronoUnit.SECONDS)),
                "heartbeat",
                "1s..10min, whole seconds",
                heartbeat);
        require(
                isName(connectionName, CONNECTION_NAME_BYTES_MAX),
                "connectionName",
                "1.." + CONNECTION_NAME_BYTES_MAX + " bytes",
                connectionName);
        server = server.clone();
        addresses = List.copyOf(addresses);
    }

    /** Defaults for one queue of one server. */
    public static RabbitReceiverSettings of(ConnectionFactory server, String queue) {
        return new RabbitReceiverSettings(
                server,
                List.of(),
                queue,
                null,
                50,
                OnMalformed.RETRY,
                Duration.ofSeconds(2),
                Duration.ofSeconds(30),
                Duration.ofSeconds(20),
                Duration.ofSeconds(10),
                "outbox-receiver-" + queue);
    }

    /** These settings with the nodes of a cluster in place of the one host. */
    public RabbitReceiverSettings withAddresses(List<Address> addresses) {
        return new RabbitReceiverSettings(
                server,
                addresses,
                queue,
                declaration,
                prefetch,
                onMalformed,
                retryFirst,
                retryMax,
                closeTimeout,
                heartbeat,
                connectionName);
    }

    /** These settings with a queue that the receiver declares itself. */
    public RabbitReceiverSettings withDeclaration(QueueDeclaration declaration) {
        return new RabbitReceiverSettings(
                server,
                addresses,
                queue,
                declaration,
                prefetch,
                onMalformed,
                retryFirst,
                retryMax,
                closeTimeout,
                heartbeat,
                connectionName);
    }

    /** These settings with another number of events sent ahead. */
    public RabbitReceiverSettings withPrefetch(int prefetch) {
        return new RabbitReceiverSettings(
                server,
                addresses,
                queue,
                declaration,
                prefetch,
                onMalformed,
                retryFirst,
                retryMax,
                closeTimeout,
                heartbeat,
                connectionName);
    }

    /** These settings with another fate for messages that are not events. */
    public RabbitReceiverSettings withOnMalformed(OnMalformed onMalformed) {
        return new RabbitReceiverSettings(
                server,
                addresses,
                queue,
                declaration,
                prefetch,
                onMalformed,
                retryFirst,
                retryMax,
                closeTimeout,
                heartbeat,
                connectionName);
    }

    /** These settings with other waits before an event is handled again. */
    public RabbitReceiverSettings withRetry(Duration retryFirst, Duration retryMax) {
        return new RabbitReceiverSettings(
                server,
                addresses,
                queue,
                declaration,
                prefetch,
                onMalformed,
                retryFirst,
                retryMax,
                closeTimeout,
                heartbeat,
                connectionName);
    }

    /** These settings with another patience when closing. */
    public RabbitReceiverSettings withCloseTimeout(Duration closeTimeout) {
        return new RabbitReceiverSettings(
                server,
                addresses,
                queue,
                declaration,
                prefetch,
                onMalformed,
                retryFirst,
                retryMax,
                closeTimeout,
                heartbeat,
                connectionName);
    }

    /** These settings with another heartbeat. */
    public RabbitReceiverSettings withHeartbeat(Duration heartbeat) {
        return new RabbitReceiverSettings(
                server,
                addresses,
                queue,
                declaration,
                prefetch,
                onMalformed,
                retryFirst,
                retryMax,
                closeTimeout,
                heartbeat,
                connectionName);
    }

    /** These settings with another name for the connection. */
    public RabbitReceiverSettings withConnectionName(String connectionName) {
        return new RabbitReceiverSettings(
                server,
                addresses,
                queue,
                declaration,
                prefetch,
                onMalformed,
                retryFirst,
                retryMax,
                closeTimeout,
                heartbeat,
                connectionName);
    }

    /** Where it connects to, as text for errors. */
    String servers() {
        return addresses.isEmpty() ? server.getHost() + ":" + server.getPort() : addresses.toString();
    }

    /** Names no password. */
    @Override
    public String toString() {
        return "RabbitReceiverSettings[server=" + servers() + ", virtualHost=" + server.getVirtualHost() + ", queue="
                + queue + ", declaration=" + declaration + ", prefetch=" + prefetch + ", onMalformed=" + onMalformed
                + "]";
    }

    private static boolean isName(String name, int bytesMax) {
        return !name.isBlank() && name.getBytes(StandardCharsets.UTF_8).length <= bytesMax;
    }

    private static boolean within(Duration value, Duration least, Duration most) {
        return value.compareTo(least) >= 0 && value.compareTo(most) <= 0;
    }

    static void require(boolean valid, String name, String limit, Object actual) {
        if (!valid) {
            throw new IllegalArgumentException(
                    "Setting refused: name=" + name + ", limit=" + limit + ", actual=" + actual);
        }
    }
}
