package dev.outbox.relay.rabbitmq;

import com.rabbitmq.client.Channel;
import dev.outbox.relay.broker.BrokerUnavailableException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Asks a RabbitMQ, on a connection of its own, what operators want to know before anything is published.
 *
 * <pre>{@code
 * Optional<String> objection = RabbitProbe.of(settings).missing("orders", RabbitRoutes.usual());
 * }</pre>
 */
public final class RabbitProbe {

    private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(5);

    private final RabbitSettings settings;

    /**
     * What a RabbitMQ says of itself.
     *
     * @param server its name and version
     * @param objection why it takes no messages now; empty if it does
     */
    public record Answer(String server, Optional<String> objection) {}

    private RabbitProbe(RabbitSettings settings) {
        this.settings = settings;
    }

    /** Nothing is connected yet. */
    public static RabbitProbe of(RabbitSettings settings) {
        return new RabbitProbe(settings);
    }

    /**
     * Whether it takes messages. That is only known by publishing: an empty message goes to the default exchange for a queue
     * that does not exist, where RabbitMQ drops it.
     *
     * @throws BrokerUnavailableException if it cannot be reached, or refuses the login
     */
    public Answer ask() {
        return connected(connection -> {
            var properties = connection.client().getServerProperties();
            String server = properties.get("product") + " " + properties.get("version");
            return new Answer(server, objection(connection));
        });
    }

    /**
     * Why messages of a topic cannot be published, as far as exchange or queue have a fixed name; empty if they can. What a
     * route declares need not be there yet. Declares nothing.
     *
     * @throws BrokerUnavailableException if it cannot be reached, or refuses the login
     */
    public Optional<String> missing(String topic, RabbitRoutes routes) {
        return connected(connection -> {
            Destinations destinations = new Destinations(connection.client());
            List<String> missing = new ArrayList<>();
            for (RabbitRoutes.Target target : routes.fixedTargets(topic)) {
                destinations.missing(target).ifPresent(failure -> missing.add(failure.error()));
            }
            return missing.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", missing));
        });
    }

    private interface Question<T> {
        T ask(RabbitConnection connection) throws IOException, TimeoutException;
    }

    private <T> T connected(Question<T> question) {
        try {
            RabbitConnection connection =
                    RabbitConnection.open(RabbitConnection.factory(settings), settings, RabbitConnection::cut);
            try {
                return question.ask(connection);
            } finally {
                connection.close(true);
            }
        } catch (IOException | TimeoutException | RuntimeException e) {
            throw new BrokerUnavailableException(
                    "RabbitMQ cannot be used: addresses=" + settings.addresses() + ", virtualHost="
                            + settings.virtualHost() + ", user=" + settings.user(),
                    e);
        }
    }

    private static Optional<String> objection(RabbitConnection connection) throws IOException, TimeoutException {
        CompletableFuture<Optional<String>> answer = new CompletableFuture<>();
        Channel channel = connection.client().createChannel();
        if (channel == null) {
            throw new IOException("No more channels on this connection: most="
                    + connection.client().getChannelMax());
        }
        connection.whenBlocked(reason -> answer.complete(Optional.of("it blocks publishers: " + reason)));
        channel.addShutdownListener(
                closed -> answer.complete(Optional.of(RabbitFailures.of(closed).error())));
        channel.addConfirmListener(
                (tag, multiple) -> answer.complete(Optional.empty()),
                (tag, multiple) -> answer.complete(Optional.of("it does not take a message")));
        channel.confirmSelect();
        channel.basicPublish("", "outbox-doctor-" + UUID.randomUUID(), null, new byte[0]);
        try {
            return answer.get(ANSWER_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new IOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while RabbitMQ was asked", e);
        }
    }
}
