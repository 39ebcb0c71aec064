package dev.outbox.relay.rabbitmq;

import com.rabbitmq.client.ConnectionFactory;
import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.BrokerSession;
import dev.outbox.relay.broker.BrokerUnavailableException;
import dev.outbox.relay.broker.Envelope;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A RabbitMQ. Each session is a connection of its own with one channel in confirm mode; messages are persistent and, unless
 * their route says otherwise, mandatory.
 *
 * <p>While RabbitMQ blocks publishers (a memory or disk alarm), one blocked connection is kept to hear when it ends, and no
 * other is opened: RabbitMQ does not read from blocked connections, and so would not even notice that they were closed.
 *
 * <p>Thread-safe.
 *
 * <pre>{@code
 * Broker broker = RabbitBroker.of(RabbitSettings.of("localhost:5672"), RabbitRoutes.usual(), Envelope.Format.JSON);
 * }</pre>
 */
public final class RabbitBroker implements Broker {

    private final RabbitSettings settings;
    private final RabbitRoutes routes;
    private final Envelope.Format format;
    private final ConnectionFactory factory;
    private final Limits limits = new Limits();
    private final AtomicReference<RabbitConnection> blocked = new AtomicReference<>();

    private RabbitBroker(
            RabbitSettings settings, RabbitRoutes routes, Envelope.Format format, ConnectionFactory factory) {
        this.settings = settings;
        this.routes = routes;
        this.format = format;
        this.factory = factory;
    }

    /**
     * A RabbitMQ to publish to; nothing is connected yet.
     *
     * @param format how messages are wrapped
     * @throws IllegalArgumentException if TLS cannot be set up as the settings say
     */
    public static RabbitBroker of(RabbitSettings settings, RabbitRoutes routes, Envelope.Format format) {
        return new RabbitBroker(settings, routes, format, RabbitConnection.factory(settings));
    }

    @Override
    public BrokerSession open() {
        awaitUnblocked();
        try {
            RabbitConnection connection = RabbitConnection.open(factory, settings, this::keepBlocked);
            try {
                declare(connection);
                return RabbitSession.open(connection, routes, new Envelope(format), limits);
            } catch (IOException | RuntimeException e) {
                connection.cut();
                throw e;
            }
        } catch (IOException | TimeoutException | RuntimeException e) {
            throw unavailable(e);
        }
    }

    /**
     * Connects once and declares what the routes say that the relay declares, as far as it has a fixed name.
     *
     * @return the server's name and version
     * @throws RouteMismatchException if something exists already, but not as it would be declared, or must not be declared
     * @throws BrokerUnavailableException if RabbitMQ cannot be reached, or refuses the login
     */
    public String prepare() {
        try {
            RabbitConnection connection = RabbitConnection.open(factory, settings, RabbitConnection::cut);
            try {
                declare(connection);
                var properties = connection.client().getServerProperties();
                return properties.get("product") + " " + properties.get("version");
            } finally {
                connection.close(true);
            }
        } catch (RouteMismatchException e) {
            throw e;
        } catch (IOException | TimeoutException | RuntimeException e) {
            throw unavailable(e);
        }
    }

    private void declare(RabbitConnection connection) throws IOException {
        Destinations destinations = new Destinations(connection.client());
        for (RabbitRoutes.Target target : routes.declaredFromTheStart()) {
            Optional<RabbitFailures.Close> refusal = destinations.ask(target);
            if (refusal.isPresent()) {
                throw new RouteMismatchException("RabbitMQ does not let the relay declare what a route needs: topic="
                        + target.route().topic() + ", " + target + ", answer="
                        + refusal.get().said()
                        + Destinations.hint(target, refusal.get()));
            }
        }
    }

    /** As long as a connection is known to be blocked, another would be blocked too. */
    private void awaitUnblocked() {
        RabbitConnection known = blocked.get();
        if (known == null) {
            return;
        }
        String reason = known.blockedReason();
        if (reason != null) {
            throw new BrokerUnavailableException(
                    "RabbitMQ blocks publishers: " + reason,
                    new IOException(RabbitFailures.blocked(reason).error()));
        }
        if (blocked.compareAndSet(known, null)) {
            known.close(true);
        }
    }

    private void keepBlocked(RabbitConnection connection) {
        if (!blocked.compareAndSet(null, connection)) {
            connection.cut();
        }
    }

    private BrokerUnavailableException unavailable(Exception cause) {
        return new BrokerUnavailableException(
                "RabbitMQ cannot be used: addresses=" + settings.addresses() + ", virtualHost=" + settings.virtualHost()
                        + ", user=" + settings.user(),
                cause);
    }

    /** Ends the connection that was kept because RabbitMQ blocked it; the sessions are closed by those who opened them. */
    @Override
    public void close() {
        RabbitConnection known = blocked.getAndSet(null);
        if (known != null) {
            known.cut();
        }
    }
}
