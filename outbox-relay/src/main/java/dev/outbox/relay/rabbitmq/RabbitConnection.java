package dev.outbox.relay.rabbitmq;

import com.rabbitmq.client.Address;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.impl.DefaultExceptionHandler;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection of the client with its socket at hand. While somebody waits in a write that RabbitMQ does not read, the
 * client cannot close by itself: it wants the lock that the writer has. Cutting the socket ends the write.
 */
final class RabbitConnection {

    private static final Logger log = LoggerFactory.getLogger(RabbitBroker.class);

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration HEARTBEAT = Duration.ofSeconds(10);
    private static final Duration CLOSE_TIMEOUT = Duration.ofMillis(500);

    private final Connection client;
    private final Socket socket;
    private final Consumer<RabbitConnection> whenClosed;
    private volatile @Nullable String blockedReason;
    private volatile Consumer<String> whenBlocked = reason -> {};

    private RabbitConnection(Connection client, Socket socket, Consumer<RabbitConnection> whenClosed) {
        this.client = client;
        this.socket = socket;
        this.whenClosed = whenClosed;
    }

    /**
     * Connects and logs in, trying one address after the other.
     *
     * @param whenClosed told in place of closing, when the connection is to be closed while RabbitMQ blocks it
     * @throws IOException if none can be reached, or refuses
     */
    static RabbitConnection open(
            ConnectionFactory configured, RabbitSettings settings, Consumer<RabbitConnection> whenClosed)
            throws IOException, TimeoutException {
        ConnectionFactory factory = configured.clone();
        AtomicReference<Socket> socket = new AtomicReference<>();
        factory.setSocketConfigurator(connecting -> {
            connecting.setTcpNoDelay(true);
            connecting.setKeepAlive(true);
            socket.set(connecting);
        });
        Connection client = factory.newConnection(
                settings.addresses().stream().map(Address::parseAddress).toList(), settings.connectionName());
        RabbitConnection connection = new RabbitConnection(client, Objects.requireNonNull(socket.get()), whenClosed);
        client.addBlockedListener(connection::blocked, connection::unblocked);
        return connection;
    }

    /** How all connections with these settings are made. */
    static ConnectionFactory factory(RabbitSettings settings) {
        ConnectionFactory factory = new ConnectionFactory();
        factory.setUsername(settings.user());
        factory.setPassword(settings.password());
        factory.setVirtualHost(settings.virtualHost());
        factory.setConnectionTimeout((int) CONNECT_TIMEOUT.toMillis());
        factory.setHandshakeTimeout((int) ANSWER_TIMEOUT.toMillis());
        factory.setChannelRpcTimeout((int) ANSWER_TIMEOUT.toMillis());
        factory.setRequestedHeartbeat((int) HEARTBEAT.toSeconds());
        // Two layers that publish again would do it twice; the lane starts again behind its position.
        factory.setAutomaticRecoveryEnabled(false);
        factory.setTopologyRecoveryEnabled(false);
        factory.setExceptionHandler(new Quiet());
        factory.setThreadFactory(work -> {
            Thread thread = new Thread(work, "outbox-rabbitmq-connection");
            thread.setDaemon(true);
            return thread;
        });
        settings.tls().ifPresent(tls -> {
            factory.useSslProtocol(tls.context());
            factory.enableHostnameVerification();
        });
        return factory;
    }

    Connection client() {
        return client;
    }

    /** Whether RabbitMQ has asked to stop publishing, and why; null if it has not, or the connection is gone. */
    @Nullable
    String blockedReason() {
        return client.isOpen() ? blockedReason : null;
    }

    /** Says what to do when RabbitMQ asks to stop publishing; on the connection's thread, or here if it has asked already. */
    void whenBlocked(Consumer<String> action) {
        whenBlocked = action;
        String already = blockedReason;
        if (already != null) {
            action.accept(already);
        }
    }

    private void blocked(String reason) {
        blockedReason = reason;
        whenBlocked.accept(reason);
    }

    private void unblocked() {
        blockedReason = null;
    }

    /** Closes: with a farewell if nothing is on its way, else at once. */
    void close(boolean inOrder) {
        if (blockedReason() != null) {
            whenClosed.accept(this);
            return;
        }
        if (inOrder) {
            try {
                client.close((int) CLOSE_TIMEOUT.toMillis());
            } catch (IOException | RuntimeException e) {
                log.debug("RabbitMQ connection was not closed in order: error={}", e.toString());
            }
        }
        cut();
    }

    /** Ends the connection without a word, whoever reads or writes there. */
    void cut() {
        try {
            if (!socket.isClosed()) {
                socket.setSoLinger(true, 0);
            }
        } catch (SocketException e) {
            log.debug("RabbitMQ connection is closed already: error={}", e.toString());
        }
        try {
            socket.close();
        } catch (IOException e) {
            log.debug("RabbitMQ connection was not closed in order: error={}", e.toString());
        }
    }

    /** What goes wrong on a connection is told by the session, once; the client would log it too. */
    private static final class Quiet extends DefaultExceptionHandler {
        @Override
        public void handleUnexpectedConnectionDriverException(Connection connection, Throwable cause) {
            log.debug("RabbitMQ connection failed: error={}", String.valueOf(cause));
        }
    }
}
