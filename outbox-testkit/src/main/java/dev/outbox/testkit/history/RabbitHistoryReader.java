package dev.outbox.testkit.history;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.IOException;
import java.net.URISyntaxException;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records everything that comes to a RabbitMQ queue, in its order, and takes it out of the queue.
 *
 * <p>One consumer reads it and acknowledges what is recorded. It outlives broker restarts: after an error it opens a new
 * connection. What it had recorded but not yet acknowledged comes again then, in order, and counts as duplicates.
 * {@link History#awaitDelivered}, {@code awaitDrained} and {@code awaitQuiet} wait for what it records.
 *
 * <pre>{@code
 * RabbitHistoryReader.declareQueue(host.amqpUri(), "seen", RabbitHistoryReader.QueueType.QUORUM, "orders");
 * startRelays(); // whatever they publish finds the queue
 * try (RabbitHistoryReader reader = RabbitHistoryReader.start(host.amqpUri(), "seen", history)) {
 *     history.awaitDrained(Duration.ofSeconds(30));
 * }
 * }</pre>
 *
 * <p>The queue must have no other consumer: order would be lost.
 */
public final class RabbitHistoryReader implements AutoCloseable {

    /** How the broker keeps a queue. */
    public enum QueueType {
        /** In one node's files. */
        CLASSIC,
        /** In a replicated log, which one node may keep alone. */
        QUORUM
    }

    /** Makes a delivery of a message; the time is the reader's. */
    @FunctionalInterface
    public interface Decoder {

        /**
         * Never fails: a message that cannot be understood becomes a delivery that nobody appended.
         *
         * @param place how many the reader saw before
         */
        Delivery decode(com.rabbitmq.client.Delivery message, long place, Instant at);
    }

    private static final Logger LOG = LoggerFactory.getLogger(RabbitHistoryReader.class);

    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration BACKOFF = Duration.ofMillis(250);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(30);
    private static final int ANSWER_MILLIS_MAX = 5_000;
    private static final int HEARTBEAT_SECONDS = 5;
    private static final int PREFETCH = 1_000;
    private static final int UNACKNOWLEDGED_MAX = 200;

    private final ConnectionFactory factory;
    private final String queue;
    private final HistoryRecorder recorder;
    private final Decoder decoder;
    private final Thread thread = new Thread(this::run, "rabbit-history-reader");
    private final CountDownLatch closing = new CountDownLatch(1);
    private final AtomicLong messages = new AtomicLong();
    private volatile @Nullable Throwable failure;

    private RabbitHistoryReader(ConnectionFactory factory, String queue, HistoryRecorder recorder, Decoder decoder) {
        this.factory = factory;
        this.queue = queue;
        this.recorder = recorder;
        this.decoder = decoder;
    }

    /**
     * Makes a durable queue that gets everything published to these exchanges, which are made if absent: durable, of
     * type topic. Does nothing where all is there. A kill of the broker within the next seconds may undo it, see
     * {@link dev.outbox.testkit.RabbitServer#syncDeclarations}.
     *
     * @throws IllegalStateException if the broker cannot be reached or refuses, e.g. because one of them exists and is
     *     different
     */
    public static void declareQueue(String amqpUri, String queue, QueueType type, String... exchanges) {
        try (Connection connection = patient(factory(amqpUri)).newConnection("history-reader");
                Channel channel = connection.createChannel()) {
            channel.queueDeclare(
                    queue,
                    true,
                    false,
                    false,
                    Map.of("x-queue-type", type.name().toLowerCase(Locale.ROOT)));
            for (String exchange : exchanges) {
                channel.exchangeDeclare(exchange, "topic", true);
                channel.queueBind(queue, exchange, "#");
            }
        } catch (IOException | TimeoutException e) {
            throw new IllegalStateException("Queue not declared: queue=" + queue, e);
        }
    }

    /**
     * Starts reading a queue that gets what the relay publishes with the {@code json} envelope, or with none; the
     * exchange is taken for the topic, the id is the property {@code message-id}, the key the header {@code x-key}.
     */
    public static RabbitHistoryReader start(String amqpUri, String queue, HistoryRecorder recorder) {
        return start(factory(amqpUri), queue, recorder, RabbitDelivery::of);
    }

    /** Starts reading with a factory of connections, which is copied, and a decoder for other envelopes. */
    public static RabbitHistoryReader start(
            ConnectionFactory factory, String queue, HistoryRecorder recorder, Decoder decoder) {
        RabbitHistoryReader reader = new RabbitHistoryReader(patient(factory), queue, recorder, decoder);
        reader.thread.setDaemon(true);
        reader.thread.start();
        return reader;
    }

    private static ConnectionFactory factory(String amqpUri) {
        try {
            ConnectionFactory factory = new ConnectionFactory();
            factory.setUri(amqpUri);
            return factory;
        } catch (URISyntaxException | GeneralSecurityException e) {
            // Without the address and the cause, which would tell the password.
            throw new IllegalArgumentException("Not an AMQP address (amqp://user:password@host:port/virtual-host)");
        }
    }

    /** With waits that are bounded well below a test's patience, and without the client's own recovery. */
    private static ConnectionFactory patient(ConnectionFactory given) {
        ConnectionFactory factory = given.clone();
        factory.setAutomaticRecoveryEnabled(false);
        factory.setConnectionTimeout(ANSWER_MILLIS_MAX);
        factory.setHandshakeTimeout(ANSWER_MILLIS_MAX);
        factory.setChannelRpcTimeout(ANSWER_MILLIS_MAX);
        factory.setShutdownTimeout(ANSWER_MILLIS_MAX);
        factory.setRequestedHeartbeat(HEARTBEAT_SECONDS);
        factory.setThreadFactory(work -> {
            Thread thread = new Thread(work, "rabbit-history-connection");
            thread.setDaemon(true);
            return thread;
        });
        return factory;
    }

    /** How many messages it has recorded, duplicates included; the newest of them may just be being recorded. */
    public long messages() {
        return messages.get();
    }

    /** Why it gave up, e.g. because the recorder refused a delivery; empty while it reads or tries to. */
    public Optional<Throwable> failure() {
        return Optional.ofNullable(failure);
    }

    /**
     * Ends the reading; what it recorded stays.
     *
     * @throws IllegalStateException when it had given up, or does not end
     */
    @Override
    public void close() {
        closing.countDown();
        try {
            thread.join(CLOSE_TIMEOUT.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (failure != null || thread.isAlive()) {
            throw new IllegalStateException(
                    "RabbitMQ reader failed or did not end: queue=" + queue + ", messages=" + messages, failure);
        }
    }

    private void run() {
        try {
            while (closing.getCount() > 0) {
                readUntilAnError();
                closing.await(BACKOFF.toNanos(), TimeUnit.NANOSECONDS);
            }
        } catch (InterruptedException | RuntimeException | Error e) {
            LOG.error("RabbitMQ reader gave up: queue={}, messages={}", queue, messages, e);
            failure = e;
        }
    }

    private void readUntilAnError() throws InterruptedException {
        @Nullable Connection connection = null;
        try {
            connection = factory.newConnection("history-reader");
            read(connection.createChannel());
        } catch (IOException | TimeoutException | ShutdownSignalException e) {
            LOG.warn("RabbitMQ reader lost its broker: queue={}, cause={}; reconnecting", queue, e.toString());
        } finally {
            if (connection != null) {
                connection.abort(ANSWER_MILLIS_MAX);
            }
        }
    }

    private void read(Channel channel) throws IOException, InterruptedException {
        BlockingQueue<com.rabbitmq.client.Delivery> arrived = new LinkedBlockingQueue<>();
        AtomicBoolean cancelled = new AtomicBoolean();
        channel.basicQos(PREFETCH);
        channel.basicConsume(queue, false, (tag, message) -> arrived.add(message), tag -> cancelled.set(true));
        for (int unacknowledged = 0; closing.getCount() > 0; ) {
            com.rabbitmq.client.Delivery message = arrived.poll(POLL.toNanos(), TimeUnit.NANOSECONDS);
            if (message != null) {
                // Counted first: whoever waits for the delivery finds it counted.
                long place = messages.getAndIncrement();
                recorder.delivered(
                        decoder.decode(message, place, Clock.systemUTC().instant()));
                unacknowledged++;
                if (arrived.isEmpty() || unacknowledged == UNACKNOWLEDGED_MAX) {
                    channel.basicAck(message.getEnvelope().getDeliveryTag(), true);
                    unacknowledged = 0;
                }
            } else if (cancelled.get()) {
                throw new IOException("the queue is gone");
            } else if (!channel.isOpen()) {
                throw new IOException("the channel was closed", channel.getCloseReason());
            }
        }
    }
}
