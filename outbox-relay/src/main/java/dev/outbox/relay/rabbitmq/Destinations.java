package dev.outbox.relay.rabbitmq;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import dev.outbox.relay.broker.Failure;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * The exchanges and queues that one connection publishes to: declared or looked for before the first message, because
 * publishing to what is missing would close the channel, with everything in flight. Used by one thread, but for {@link #forgetQueue}.
 *
 * <p>Each is asked for once, on a channel of its own; that something is missing is remembered for a moment.
 */
final class Destinations {

    private static final String QUEUE = "queue ";
    private static final String EXCHANGE = "exchange ";
    private static final int KNOWN_MAX = 10_000;
    private static final Duration MISSING_REMEMBERED = Duration.ofSeconds(1);

    private final Connection connection;
    private final LongSupplier nanoTime;
    private final Set<String> known = ConcurrentHashMap.newKeySet();
    private final Map<String, Missing> missing = new HashMap<>();

    private record Missing(Failure failure, long untilNanos) {}

    Destinations(Connection connection) {
        this(connection, System::nanoTime);
    }

    Destinations(Connection connection, LongSupplier nanoTime) {
        this.connection = connection;
        this.nanoTime = nanoTime;
    }

    /**
     * Why nothing can be published there; empty if it can.
     *
     * @throws IOException if the connection fails
     */
    Optional<Failure> missing(RabbitRoutes.Target target) throws IOException {
        String name = target.isQueue() ? QUEUE + target.routingKey() : EXCHANGE + target.exchange();
        if (known.contains(name)) {
            return Optional.empty();
        }
        Missing before = missing.get(name);
        if (before != null && nanoTime.getAsLong() - before.untilNanos() < 0) {
            remember(name, before.failure());
            return Optional.of(before.failure());
        }
        Optional<RabbitFailures.Close> refusal = ask(target);
        if (refusal.isEmpty()) {
            forget(known.size());
            missing.remove(name);
            known.add(name);
            return Optional.empty();
        }
        RabbitFailures.Close close = refusal.get();
        Failure failure = new Failure(Failure.Kind.TOPIC, close.name(), close.said() + hint(target, close));
        forget(missing.size());
        remember(name, failure);
        return Optional.of(failure);
    }

    /** Anew each time it is met: if it appeared in the midst of a page, the later messages would go ahead of the earlier. */
    private void remember(String name, Failure failure) {
        missing.put(name, new Missing(failure, nanoTime.getAsLong() + MISSING_REMEMBERED.toNanos()));
    }

    /** The queue is gone: it is asked for again. By any thread. */
    void forgetQueue(String name) {
        known.remove(QUEUE + name);
    }

    /**
     * Declares it, or looks whether it is there.
     *
     * @return what the server objects to
     * @throws IOException if the connection fails
     */
    Optional<RabbitFailures.Close> ask(RabbitRoutes.Target target) throws IOException {
        Channel channel = connection.createChannel();
        if (channel == null) {
            throw new IOException("No more channels on this connection: most=" + connection.getChannelMax());
        }
        try {
            if (target.route().declare()) {
                declare(channel, target);
            } else if (target.isQueue()) {
                channel.queueDeclarePassive(target.routingKey());
            } else {
                channel.exchangeDeclarePassive(target.exchange());
            }
            channel.abort();
            return Optional.empty();
        } catch (IOException e) {
            Optional<RabbitFailures.Close> close = RabbitFailures.Close.in(e);
            if (close.isEmpty() || !(connection.isOpen() || close.get().isImpossible())) {
                throw e;
            }
            return close;
        }
    }

    private static void declare(Channel channel, RabbitRoutes.Target target) throws IOException {
        RabbitRoute route = target.route();
        if (target.isQueue()) {
            channel.queueDeclare(target.routingKey(), true, false, false, queueArguments(route.queueType()));
        } else {
            channel.exchangeDeclare(target.exchange(), route.exchangeType(), true);
        }
    }

    /**
     * As a receiver of this project declares its queue, or the one would be refused for the other. A quorum queue of RabbitMQ
     * 4 drops a message that came back twenty times, unless told otherwise.
     */
    private static Map<String, Object> queueArguments(String queueType) {
        return queueType.equals("quorum")
                ? Map.of("x-queue-type", queueType, "x-delivery-limit", Integer.MAX_VALUE)
                : Map.of("x-queue-type", queueType);
    }

    /** What a person may do about it. */
    static String hint(RabbitRoutes.Target target, RabbitFailures.Close close) {
        String what = target.isQueue() ? QUEUE + target.routingKey() : EXCHANGE + target.exchange();
        if (close.isNotFound()) {
            return "; declare the " + what + ", or let the route declare it";
        }
        if (close.isMismatch()) {
            return "; the " + what + " exists and is not what the route declares: change the route, or delete the "
                    + what;
        }
        if (close.isImpossible()) {
            return "; change the route, or enable the plugin that has it";
        }
        return "; allow the relay's user to use the " + what;
    }

    private void forget(int size) {
        if (size >= KNOWN_MAX) {
            known.clear();
            missing.clear();
        }
    }
}
