package dev.outbox.consumer.rabbitmq;

import com.rabbitmq.client.ShutdownSignalException;
import dev.outbox.consumer.EventHandlers;
import dev.outbox.consumer.EventReceiver;
import dev.outbox.consumer.Receiver;
import dev.outbox.consumer.ReceiverListener;
import dev.outbox.inbox.Inbox;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A running consumer of a RabbitMQ queue: receives events one by one and acknowledges each after its effect.
 *
 * <p>What is promised:
 *
 * <ul>
 *   <li><b>Effect.</b> Each event has its effect once: its id is recorded in the transaction of the effect, and the
 *       message is acknowledged when that is committed. Redelivery (after a crash, a lost connection, a lost
 *       acknowledgement) does nothing.
 *   <li><b>Order.</b> The events of the queue are handled in its order, as long as this receiver is the only one.
 *   <li><b>Failure.</b> An event whose handling fails is tried again, without end and with growing waits. Meanwhile the
 *       queue stands still. An event without a handler is passed by.
 *   <li><b>Not an event.</b> A message that cannot be read as an event holds the queue in the same way, because passing
 *       by would lose it without anybody's knowledge; {@link dev.outbox.consumer.OnMalformed#SKIP} reports it and goes
 *       on.
 *   <li><b>Outage.</b> Whatever is wrong with the server (it is away, it refuses access, the queue is not there or is
 *       not as declared) is reported as an outage, with what mends it, and tried again without end.
 *   <li><b>Threads.</b> Handlers run on one thread, which keeps the JVM alive until the receiver is closed. For more,
 *       start more receivers of the queue: each event goes to one of them, and what follows it may overtake it. For
 *       another one that only stands by, declare the queue with {@code x-single-active-consumer}.
 * </ul>
 *
 * <pre>{@code
 * RabbitReceiverSettings settings = RabbitReceiverSettings.of(server, "inventory")
 *         .withDeclaration(QueueDeclaration.quorum("orders", List.of("order.created", "order.cancelled")));
 * try (RabbitReceiver receiver = RabbitReceiver.start(settings, inbox, handlers)) {
 *     receiver.stopped().join();
 * }
 * }</pre>
 *
 * <p>Not for a handler that takes half an hour: the server takes back what is not acknowledged by then
 * ({@code consumer_timeout}). The receiver connects again, and the event, which is delivered again, is a duplicate if the
 * handler came to its end.
 */
public final class RabbitReceiver implements Receiver {

    private static final Duration OUTAGE_RETRY_MAX = Duration.ofSeconds(10);
    private static final Waits OUTAGE_RETRIES = new Waits(Duration.ofMillis(250), OUTAGE_RETRY_MAX);

    /** For the farewell to the server, after the event in hand. */
    private static final Duration END_TIMEOUT = Duration.ofSeconds(10);

    private final RabbitReceiverSettings settings;
    private final ReceiverListener listener;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final CompletableFuture<Void> stopped = new CompletableFuture<>();
    private final EventReceiver receiver;
    private final Thread thread;
    private volatile @Nullable ReceiveLoop current;

    private RabbitReceiver(RabbitReceiverSettings settings, EventReceiver receiver, ReceiverListener listener) {
        this.settings = settings;
        this.receiver = receiver;
        this.listener = listener;
        this.thread = new Thread(this::run, "outbox-receiver-" + settings.queue());
    }

    /** As {@link #start(RabbitReceiverSettings, Inbox, EventHandlers, ReceiverListener)}, with a listener that logs. */
    public static RabbitReceiver start(RabbitReceiverSettings settings, Inbox inbox, EventHandlers handlers) {
        return start(settings, inbox, handlers, ReceiverListener.logging());
    }

    /**
     * Starts receiving and returns at once; a broker or database that is away is waited for.
     *
     * @param inbox the inbox in the database of the handlers' effects
     */
    public static RabbitReceiver start(
            RabbitReceiverSettings settings, Inbox inbox, EventHandlers handlers, ReceiverListener listener) {
        RabbitReceiver started = new RabbitReceiver(settings, new EventReceiver(inbox, handlers), listener);
        started.thread.start();
        return started;
    }

    @Override
    public CompletableFuture<Void> stopped() {
        return stopped.copy();
    }

    /**
     * Finishes the event in hand, acknowledges it, and ends; what the broker sent ahead goes back to the queue, and so
     * does an event that failed and waits to be tried again. If the event in hand takes longer than
     * {@link RabbitReceiverSettings#closeTimeout()}, its handler is interrupted: either its transaction is rolled back
     * and the event is delivered again, or its effect is committed and the delivery will be a duplicate.
     */
    @Override
    public void close() {
        closing.countDown();
        ReceiveLoop loop = current;
        if (loop != null) {
            loop.wake();
        }
        try {
            if (!ended(settings.closeTimeout())) {
                listener.closedLate(settings.closeTimeout());
                thread.interrupt();
                ended(END_TIMEOUT);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean ended(Duration timeout) throws InterruptedException {
        thread.join(Math.max(1, timeout.toMillis()));
        return !thread.isAlive();
    }

    private boolean isClosing() {
        return closing.getCount() == 0;
    }

    private void run() {
        try {
            int outages = 0;
            while (!isClosing()) {
                long began = System.nanoTime();
                try {
                    ReceiveLoop loop = new ReceiveLoop(settings, receiver, listener, this::isClosing);
                    // Set before it looks whether the receiver is closing, so that whoever closes can wake it.
                    current = loop;
                    loop.run();
                } catch (IOException | TimeoutException | ShutdownSignalException e) {
                    if (isClosing()) {
                        break;
                    }
                    boolean lasted = System.nanoTime() - began > OUTAGE_RETRY_MAX.toNanos();
                    outages = lasted ? 1 : outages + 1;
                    Duration wait = OUTAGE_RETRIES.after(outages);
                    listener.outage(RabbitOutages.explain(settings, e), wait);
                    if (closing.await(wait.toMillis(), TimeUnit.MILLISECONDS)) {
                        break;
                    }
                }
            }
            stopped.complete(null);
        } catch (Throwable e) {
            if (isClosing()) {
                stopped.complete(null);
            } else {
                stopped.completeExceptionally(e);
                listener.stopped(e);
            }
        }
    }
}
