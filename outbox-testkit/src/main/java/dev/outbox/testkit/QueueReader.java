package dev.outbox.testkit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Takes messages from a RabbitMQ queue and waits for them.
 *
 * <pre>{@code
 * try (QueueReader reader = QueueReader.bound(host, "orders", "#")) {
 *     service.placeOrder(order);
 *     assertThat(reader.await(1)).extracting(each -> each.getProperties().getType()).containsExactly("order.created");
 * }
 * }</pre>
 *
 * <p>Messages come in the order of the queue. What was read is acknowledged. For one thread; keeps all it has read. A
 * reader does not outlive its connection; {@code RabbitHistoryReader} in {@code dev.outbox.testkit.history} does.
 */
public final class QueueReader implements AutoCloseable {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final Duration POLL = Duration.ofMillis(100);
    private static final int PREFETCH = 500;
    private static final int CLOSE_MILLIS_MAX = 10_000;

    private final Connection connection;
    private final Channel channel;
    private final String queue;
    private final BlockingQueue<Delivery> arrived = new LinkedBlockingQueue<>();
    private final List<Delivery> messages = new ArrayList<>();
    private volatile boolean cancelled;

    private QueueReader(Connection connection, Channel channel, String queue) {
        this.connection = connection;
        this.channel = channel;
        this.queue = queue;
    }

    /** A reader of a queue that exists. */
    public static QueueReader of(RabbitVirtualHost host, String queue) {
        return of(host.connectionFactory(), queue);
    }

    /**
     * The same for a server that is known by a factory of connections.
     *
     * @throws IllegalStateException if it cannot be connected to, or refuses, e.g. because there is no such queue
     */
    public static QueueReader of(ConnectionFactory factory, String queue) {
        return open(factory, "queue=" + queue, (connection, channel) -> queue);
    }

    /**
     * A reader of a queue of its own, bound to an exchange, which ends with it. What is published later is read. The
     * exchange is made if absent: durable, of type topic.
     */
    public static QueueReader bound(RabbitVirtualHost host, String exchange, String routingKey) {
        return bound(host.connectionFactory(), exchange, routingKey);
    }

    /**
     * The same for a server that is known by a factory of connections.
     *
     * @throws IllegalStateException if it cannot be connected to, or refuses
     */
    public static QueueReader bound(ConnectionFactory factory, String exchange, String routingKey) {
        return open(factory, "exchange=" + exchange, (connection, channel) -> {
            if (!exists(connection, exchange)) {
                channel.exchangeDeclare(exchange, "topic", true);
            }
            String made = channel.queueDeclare().getQueue();
            channel.queueBind(made, exchange, routingKey);
            return made;
        });
    }

    /** Finds out what to read. */
    @FunctionalInterface
    private interface Source {
        String queue(Connection connection, Channel channel) throws IOException;
    }

    private static QueueReader open(ConnectionFactory factory, String what, Source source) {
        @Nullable Connection connection = null;
        try {
            ConnectionFactory own = factory.clone();
            own.setAutomaticRecoveryEnabled(false);
            connection = own.newConnection("queue-reader");
            Channel channel = connection.createChannel();
            QueueReader reader = new QueueReader(connection, channel, source.queue(connection, channel));
            reader.consume();
            return reader;
        } catch (IOException | TimeoutException e) {
            if (connection != null) {
                connection.abort(CLOSE_MILLIS_MAX);
            }
            throw new IllegalStateException(
                    "Reader not started: " + what + ", server=" + factory.getHost() + ":" + factory.getPort(), e);
        }
    }

    /** On a channel of its own, which ends when the answer is no. */
    private static boolean exists(Connection connection, String exchange) throws IOException {
        Channel channel = connection.createChannel();
        try {
            channel.exchangeDeclarePassive(exchange);
            channel.abort();
            return true;
        } catch (IOException e) {
            if (e.getCause() instanceof ShutdownSignalException signal
                    && signal.getReason() instanceof AMQP.Channel.Close close
                    && close.getReplyCode() == AMQP.NOT_FOUND) {
                return false;
            }
            throw e;
        }
    }

    private void consume() throws IOException {
        channel.basicQos(PREFETCH);
        channel.basicConsume(queue, false, (tag, message) -> arrived.add(message), tag -> cancelled = true);
    }

    /** The queue's name. */
    public String queue() {
        return queue;
    }

    /**
     * Everything read so far, once it is at least so many; waits 30 seconds.
     *
     * @throws AssertionError if fewer come
     */
    public List<Delivery> await(int count) {
        return await(count, TIMEOUT);
    }

    /**
     * Everything read so far, once it is at least so many.
     *
     * @throws AssertionError if fewer come in that time
     */
    public List<Delivery> await(int count, Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (messages.size() < count) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("Messages are missing: queue=" + queue + ", expected=" + count + ", read="
                        + messages.size() + ", waited=" + timeout);
            }
            poll();
        }
        return List.copyOf(messages);
    }

    /**
     * Takes what has come, or waits at most 100 ms for it; returns how many came.
     *
     * @throws IllegalStateException if the connection or the queue is gone
     */
    public int poll() {
        int before = messages.size();
        try {
            @Nullable Delivery first = arrived.poll(POLL.toNanos(), TimeUnit.NANOSECONDS);
            for (Delivery next = first; next != null; next = arrived.poll()) {
                messages.add(next);
                channel.basicAck(next.getEnvelope().getDeliveryTag(), false);
            }
            if (first == null && (cancelled || !channel.isOpen())) {
                throw new IllegalStateException("Queue is no longer read: queue=" + queue + ", read=" + messages.size()
                        + ", cause=" + (cancelled ? "the queue is gone" : channel.getCloseReason()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while reading: queue=" + queue, e);
        } catch (IOException | ShutdownSignalException e) {
            throw new IllegalStateException("Queue is no longer read: queue=" + queue + ", read=" + messages.size(), e);
        }
        return messages.size() - before;
    }

    /** How many were read so far. */
    public int count() {
        return messages.size();
    }

    /** The body as text. */
    public static String body(Delivery read) {
        return new String(read.getBody(), StandardCharsets.UTF_8);
    }

    /**
     * A header as text.
     *
     * @throws AssertionError if the message has no such header
     */
    public static String header(Delivery read, String name) {
        Map<String, Object> headers =
                Optional.ofNullable(read.getProperties().getHeaders()).orElse(Map.of());
        @Nullable Object value = headers.get(name);
        if (value == null) {
            throw new AssertionError("Header is missing: name=" + name + ", headers=" + headers);
        }
        return value.toString();
    }

    /** Ends the reading; what was not read stays in the queue, unless that ends with the reader. */
    @Override
    public void close() {
        connection.abort(CLOSE_MILLIS_MAX);
    }
}
