package dev.outbox.consumer.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import dev.outbox.consumer.EventReceiver;
import dev.outbox.consumer.MalformedEventException;
import dev.outbox.consumer.OnMalformed;
import dev.outbox.consumer.Origin;
import dev.outbox.consumer.ReceivedEvent;
import dev.outbox.consumer.ReceiverListener;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/**
 * One connection: declares, consumes, hands messages over one by one, and acknowledges what is done. Everything but the
 * delivery happens on the thread that calls {@link #run}; heartbeats are the client's own, so a handler may take its
 * time.
 */
final class ReceiveLoop {

    private static final int CONNECT_TIMEOUT_MILLIS = 10_000;
    private static final int ANSWER_TIMEOUT_MILLIS = 30_000;
    private static final int LEAVE_TIMEOUT_MILLIS = 5_000;

    private final RabbitReceiverSettings settings;
    private final EventReceiver receiver;
    private final ReceiverListener listener;
    private final Handover handover;
    private final Waits retries;

    ReceiveLoop(
            RabbitReceiverSettings settings,
            EventReceiver receiver,
            ReceiverListener listener,
            BooleanSupplier closing) {
        this.settings = settings;
        this.receiver = receiver;
        this.listener = listener;
        this.handover = new Handover(closing);
        this.retries = new Waits(settings.retryFirst(), settings.retryMax());
    }

    /**
     * Receives until the receiver is closing.
     *
     * @throws IOException if the server cannot be reached, refuses, or ends the connection or the consumer; the client
     *     may throw its own {@link com.rabbitmq.client.ShutdownSignalException} instead
     */
    void run() throws IOException, TimeoutException, InterruptedException {
        // The client's own pool would have two threads for each processor. A connection that fails while this loop ends
        // has
        // farewells to deliver that nobody waits for any more; refusing them would break its thread.
        ExecutorService deliverer = new ThreadPoolExecutor(
                1,
                1,
                0,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                work -> new Thread(work, Thread.currentThread().getName() + "-client"),
                new ThreadPoolExecutor.DiscardPolicy());
        try {
            Connection connection = connect(deliverer);
            try {
                consume(connection);
            } finally {
                leave(connection);
            }
        } finally {
            deliverer.shutdown();
        }
    }

    /** Lets a waiting loop see that the receiver is closing. */
    void wake() {
        handover.wake();
    }

    private Connection connect(ExecutorService deliverer) throws IOException, TimeoutException {
        ConnectionFactory factory = settings.server().clone();
        // A channel that the client brings back knows nothing of the deliveries that are in hand.
        factory.setAutomaticRecoveryEnabled(false);
        factory.setTopologyRecoveryEnabled(false);
        factory.setRequestedHeartbeat((int) settings.heartbeat().toSeconds());
        factory.setConnectionTimeout(CONNECT_TIMEOUT_MILLIS);
        factory.setHandshakeTimeout(CONNECT_TIMEOUT_MILLIS);
        factory.setChannelRpcTimeout(ANSWER_TIMEOUT_MILLIS);
        return settings.addresses().isEmpty()
                ? factory.newConnection(deliverer, settings.connectionName())
                : factory.newConnection(deliverer, settings.addresses(), settings.connectionName());
    }

    private void consume(Connection connection) throws IOException, InterruptedException {
        Channel channel =
                connection.openChannel().orElseThrow(() -> new IOException("The server has no channel left for it"));
        channel.addShutdownListener(cause -> handover.end(new IOException(cause)));
        QueueDeclaration declaration = settings.declaration();
        if (declaration != null) {
            declaration.declare(channel, settings.queue());
        }
        channel.basicQos(settings.prefetch());
        channel.basicConsume(settings.queue(), false, new Deliverer(channel));
        List<String> sources = List.of(settings.queue());
        listener.assigned(sources);
        try {
            receiveAll(channel);
        } finally {
            listener.revoked(sources);
        }
    }

    private void receiveAll(Channel channel) throws IOException, InterruptedException {
        for (Optional<Delivery> next = handover.next(); next.isPresent(); next = handover.next()) {
            Delivery delivery = next.get();
            if (receive(delivery)) {
                channel.basicAck(delivery.getEnvelope().getDeliveryTag(), false);
            }
        }
        Optional<IOException> ended = handover.ended();
        if (ended.isPresent()) {
            throw ended.get();
        }
    }

    /** Tries until the message is done; returns false if the connection ended before, or the receiver is closing. */
    private boolean receive(Delivery delivery) throws InterruptedException {
        Origin origin = RabbitEvents.origin(settings.queue(), delivery);
        int attempt = 1;
        while (!receive(origin, delivery, attempt)) {
            if (!handover.pause(retries.after(attempt))) {
                return false;
            }
            attempt++;
        }
        return true;
    }

    private boolean receive(Origin origin, Delivery delivery, int attempt) throws InterruptedException {
        ReceivedEvent event;
        try {
            event = RabbitEvents.read(origin, delivery);
        } catch (MalformedEventException e) {
            if (settings.onMalformed() == OnMalformed.SKIP) {
                listener.malformedSkipped(origin, e);
                return true;
            }
            listener.malformed(origin, attempt, e, retries.after(attempt));
            return false;
        }
        EventReceiver.Outcome outcome;
        try {
            outcome = receiver.receive(event);
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception e) {
            listener.failed(event, attempt, e, retries.after(attempt));
            return false;
        }
        listener.received(event, outcome);
        return true;
    }

    /** Takes leave of the server, which puts back into the queue what was not acknowledged. */
    private static void leave(Connection connection) {
        // An interrupt was meant for the handler; with the flag up, the client would not wait for the answer.
        boolean interrupted = Thread.interrupted();
        connection.abort(LEAVE_TIMEOUT_MILLIS);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Called by the client's thread. */
    private final class Deliverer extends DefaultConsumer {

        Deliverer(Channel channel) {
            super(channel);
        }

        @Override
        public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties properties, byte[] body) {
            handover.deliver(new Delivery(envelope, properties, body));
        }

        @Override
        public void handleCancel(String tag) {
            handover.end(new IOException("The server has ended the consumer: the queue was deleted, or has moved"));
        }
    }
}
