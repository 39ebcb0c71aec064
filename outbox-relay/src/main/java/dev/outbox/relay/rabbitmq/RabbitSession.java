package dev.outbox.relay.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Return;
import com.rabbitmq.client.ShutdownSignalException;
import dev.outbox.relay.broker.BrokerSession;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * One connection with one channel in confirm mode, fed by one lane.
 *
 * <p>The lane's thread makes the messages, a thread of the session publishes them, and the connection's own thread hears
 * what RabbitMQ says. So a lane never hangs in a write that RabbitMQ does not read: it notices the silence, and closes the
 * session, which cuts the connection.
 */
final class RabbitSession implements BrokerSession {

    /** So many messages are handed to the publishing thread at once. */
    private static final int HAND_OVER = 64;

    private static final List<Outgoing> THE_END = List.of();

    private final RabbitConnection connection;
    private final Channel channel;
    private final RabbitRoutes.Lookup routes;
    private final RabbitMessages messages;
    private final Limits limits;
    private final Destinations destinations;
    private final Unconfirmed unconfirmed = new Unconfirmed();
    private final BlockingQueue<List<Outgoing>> handedOver = new LinkedBlockingQueue<>();
    private final Thread publisher;

    private List<Outgoing> batch = new ArrayList<>(HAND_OVER);

    private volatile @Nullable End ended;

    /**
     * Why the session is over.
     *
     * @param exchange the exchange that is to blame, if one is
     */
    private record End(Failure outage, Optional<String> exchange) {

        static End of(Failure outage) {
            return new End(outage, Optional.empty());
        }

        /** For a message that has no answer then: if it is not to blame, it is an outage. */
        Failure failure(Unconfirmed.Sent sent) {
            return exchange.isPresent() && exchange.get().equals(sent.target().exchange())
                    ? new Failure(Failure.Kind.TOPIC, outage.errorClass(), outage.error())
                    : outage;
        }
    }

    private record Outgoing(Unconfirmed.Sent sent, RabbitMessages.Content content) {}

    private RabbitSession(
            RabbitConnection connection, Channel channel, RabbitRoutes routes, Envelope envelope, Limits limits) {
        this.connection = connection;
        this.channel = channel;
        this.routes = routes.lookup();
        this.messages = new RabbitMessages(envelope);
        this.limits = limits;
        this.destinations = new Destinations(connection.client());
        this.publisher = new Thread(this::publishAll, "outbox-rabbitmq");
        this.publisher.setDaemon(true);
    }

    /**
     * Opens the channel and starts the session's thread.
     *
     * @throws IOException if the connection fails or the server refuses
     */
    static RabbitSession open(RabbitConnection connection, RabbitRoutes routes, Envelope envelope, Limits limits)
            throws IOException {
        Channel channel = connection.client().createChannel();
        if (channel == null) {
            throw new IOException("No channel is allowed on this connection");
        }
        RabbitSession session = new RabbitSession(connection, channel, routes, envelope, limits);
        // Not confirmSelect: the client would then keep a sorted set of the tags for nobody.
        channel.rpc(new AMQP.Confirm.Select.Builder().build());
        channel.addConfirmListener(session.unconfirmed::confirm, session.unconfirmed::refuse);
        channel.addReturnListener(session::returned);
        channel.addShutdownListener(session::channelClosed);
        connection.whenBlocked(session::blocked);
        session.publisher.start();
        return session;
    }

    @Override
    public Optional<Failure> send(Message message, Delivery delivery) {
        End over = ended;
        if (over != null) {
            return Optional.of(over.outage());
        }
        String type = RabbitMessages.text(message.type());
        String source = RabbitMessages.text(message.source());
        Outgoing outgoing;
        try {
            RabbitRoutes.Target target = routes.target(message.topic(), type, message.keyText(), source);
            RabbitMessages.Content content = messages.content(message, type, source);
            int bytes = content.body().length;
            if (bytes > limits.messageBytesMax()) {
                return Optional.of(RabbitFailures.tooLarge(bytes, limits.messageBytesMax()));
            }
            outgoing = new Outgoing(new Unconfirmed.Sent(message.seq(), target, bytes, delivery), content);
        } catch (IllegalArgumentException e) {
            return Optional.of(Failure.of(Failure.Kind.MESSAGE, e));
        }
        batch.add(outgoing);
        if (batch.size() >= HAND_OVER) {
            flush();
        }
        return Optional.empty();
    }

    @Override
    public void flush() {
        if (!batch.isEmpty()) {
            handedOver.add(batch);
            batch = new ArrayList<>(HAND_OVER);
        }
    }

    /** Once it is over, too, as long as RabbitMQ may confirm what it has: that need not go again. */
    @Override
    public boolean usable() {
        return ended == null || !unconfirmed.isEmpty();
    }

    /** Ends the session; in order if nothing is on its way, else by cutting the connection. */
    @Override
    public void close() {
        boolean inOrder = ended == null && unconfirmed.isEmpty() && handedOver.isEmpty() && batch.isEmpty();
        end(End.of(new Failure(Failure.Kind.OUTAGE, "SessionClosed", "the session was closed")));
        handedOver.add(THE_END);
        connection.close(inOrder);
    }

    private void publishAll() {
        try {
            for (List<Outgoing> next = handedOver.take(); next != THE_END; next = handedOver.take()) {
                for (Outgoing outgoing : next) {
                    publish(outgoing);
                }
            }
        } catch (InterruptedException e) {
            end(End.of(Failure.of(Failure.Kind.OUTAGE, e)));
        }
    }

    private void publish(Outgoing outgoing) throws InterruptedException {
        Unconfirmed.Sent sent = outgoing.sent();
        boolean alone = limits.isSuspect(sent.target().exchange());
        if (alone) {
            unconfirmed.awaitEmpty();
        }
        try {
            Optional<Failure> missing = ended == null ? destinations.missing(sent.target()) : Optional.empty();
            if (missing.isPresent()) {
                sent.delivery().failed(missing.get());
                return;
            }
            if (!unconfirmed.add(sent)) {
                sent.delivery().failed(Objects.requireNonNull(ended).failure(sent));
                return;
            }
        } catch (IOException | RuntimeException e) {
            Failure failure = RabbitFailures.of(e);
            end(End.of(failure));
            sent.delivery().failed(failure);
            return;
        }
        transmit(sent, outgoing.content());
        if (alone) {
            unconfirmed.awaitEmpty();
        }
    }

    private void transmit(Unconfirmed.Sent sent, RabbitMessages.Content content) {
        RabbitRoutes.Target target = sent.target();
        try {
            channel.basicPublish(
                    target.exchange(),
                    target.routingKey(),
                    target.route().mandatory(),
                    content.properties(),
                    content.body());
        } catch (IllegalArgumentException e) {
            // The client looks at headers and names before it writes anything.
            if (unconfirmed.withdraw()) {
                sent.delivery().failed(Failure.of(Failure.Kind.MESSAGE, e));
            }
        } catch (ShutdownSignalException e) {
            channelClosed(e); // whoever notices first
        } catch (IOException | RuntimeException e) {
            end(End.of(RabbitFailures.of(e)));
        }
    }

    /** On the connection's thread: RabbitMQ reads no more, but still confirms what it has read. */
    private void blocked(String reason) {
        over(End.of(RabbitFailures.blocked(reason)));
        unconfirmed.stop();
    }

    private End over(End why) {
        synchronized (unconfirmed) {
            End first = ended == null ? why : ended;
            ended = first;
            return first;
        }
    }

    /** On the connection's thread: no queue took a message. */
    private void returned(Return back) {
        if (back.getExchange().isEmpty()) {
            destinations.forgetQueue(back.getRoutingKey());
        }
        Object seq = back.getProperties().getHeaders().get(RabbitMessages.SEQUENCE);
        unconfirmed.returned(
                ((Number) Objects.requireNonNull(seq)).longValue(), back.getReplyCode(), back.getReplyText());
    }

    /** The server closed the channel, or the connection is gone. By the connection's thread or the publishing one. */
    private void channelClosed(ShutdownSignalException signal) {
        Failure outage = outage(signal);
        Optional<RabbitFailures.Close> close = RabbitFailures.Close.in(signal);
        Optional<Long> bytesMax =
                close.flatMap(each -> each.messageBytesMax().stream().boxed().findFirst());
        bytesMax.ifPresent(limits::learn);
        Optional<String> exchange = close.flatMap(RabbitFailures.Close::exchange);
        exchange.ifPresent(limits::suspect);
        List<Unconfirmed.Sent> left = end(new End(outage, exchange));
        if (!signal.isHardError() && exchange.isEmpty() && bytesMax.isEmpty()) {
            left.forEach(sent -> limits.suspect(sent.target().exchange())); // one of them is to blame
        }
    }

    /** Of the message at fault more is known; all others are not to blame. */
    private static Failure outage(ShutdownSignalException signal) {
        Failure failure = RabbitFailures.of(signal);
        return new Failure(Failure.Kind.OUTAGE, failure.errorClass(), failure.error());
    }

    /** Ends the session: everything without an answer has failed, and nothing more is sent. The first reason counts. */
    private List<Unconfirmed.Sent> end(End why) {
        End first = over(why);
        List<Unconfirmed.Sent> left = unconfirmed.close();
        left.forEach(sent -> sent.delivery().failed(first.failure(sent)));
        return left;
    }
}
