package dev.outbox.consumer.kafka;

import dev.outbox.consumer.EventHandlers;
import dev.outbox.consumer.EventReceiver;
import dev.outbox.consumer.Receiver;
import dev.outbox.consumer.ReceiverListener;
import dev.outbox.inbox.Inbox;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.KafkaException;

/**
 * A running member of a consumer group: receives events one by one and commits its position after their effect.
 *
 * <p>What is promised:
 *
 * <ul>
 *   <li><b>Effect.</b> Each event has its effect once: its id is recorded in the transaction of the effect. Redelivery
 *       (after a crash, a rebalance, a lost commit) does nothing.
 *   <li><b>Order.</b> The events of a partition, so of a key, are handled in their order.
 *   <li><b>Failure.</b> An event whose handling fails is tried again, without end and with growing waits. Meanwhile its
 *       partition stands still; the others flow. An event without a handler is passed by.
 *   <li><b>Not an event.</b> A record that cannot be read as an event holds its partition in the same way, because
 *       passing by would lose it without anybody's knowledge; {@link dev.outbox.consumer.OnMalformed#SKIP} reports it
 *       and goes on.
 *   <li><b>Threads.</b> Handlers run on one thread, which keeps the JVM alive until the receiver is closed. For more,
 *       start more receivers of the group.
 * </ul>
 *
 * <pre>{@code
 * try (KafkaReceiver receiver = KafkaReceiver.start(
 *         KafkaReceiverSettings.of("localhost:9092", "inventory", List.of("orders")), inbox, handlers)) {
 *     receiver.stopped().join();
 * }
 * }</pre>
 *
 * <p>Not for a handler that takes minutes: the group gives its partitions to others after five
 * ({@code max.poll.interval.ms}), and their work is thrown away as a duplicate, or this one's is.
 */
public final class KafkaReceiver implements Receiver {

    private static final Duration OUTAGE_RETRY_FIRST = Duration.ofMillis(250);
    private static final Duration OUTAGE_RETRY_MAX = Duration.ofSeconds(10);

    /** For the commit and the farewell to the group, after the message in hand. */
    private static final Duration END_TIMEOUT = Duration.ofSeconds(10);

    private final KafkaReceiverSettings settings;
    private final ReceiverListener listener;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final CompletableFuture<Void> stopped = new CompletableFuture<>();
    private final EventReceiver receiver;
    private final Thread thread;

    private KafkaReceiver(KafkaReceiverSettings settings, EventReceiver receiver, ReceiverListener listener) {
        this.settings = settings;
        this.receiver = receiver;
        this.listener = listener;
        this.thread = new Thread(this::run, "outbox-receiver-" + settings.group());
    }

    /** As {@link #start(KafkaReceiverSettings, Inbox, EventHandlers, ReceiverListener)}, with a listener that logs. */
    public static KafkaReceiver start(KafkaReceiverSettings settings, Inbox inbox, EventHandlers handlers) {
        return start(settings, inbox, handlers, ReceiverListener.logging());
    }

    /**
     * Starts receiving and returns at once; a broker or database that is away is waited for.
     *
     * @param inbox the inbox in the database of the handlers' effects
     */
    public static KafkaReceiver start(
            KafkaReceiverSettings settings, Inbox inbox, EventHandlers handlers, ReceiverListener listener) {
        KafkaReceiver started = new KafkaReceiver(settings, new EventReceiver(inbox, handlers), listener);
        started.thread.start();
        return started;
    }

    @Override
    public CompletableFuture<Void> stopped() {
        return stopped.copy();
    }

    /**
     * Finishes the message in hand, commits the position, leaves the group and ends. If the message takes longer than
     * {@link KafkaReceiverSettings#closeTimeout()}, its handler is interrupted: either its transaction is rolled back and
     * the message is delivered again, or its effect is committed and the delivery will be a duplicate.
     */
    @Override
    public void close() {
        closing.countDown();
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
            Duration wait = OUTAGE_RETRY_FIRST;
            while (!isClosing()) {
                long began = System.nanoTime();
                try (ReceiveLoop loop = new ReceiveLoop(settings, receiver, listener, this::isClosing)) {
                    loop.run();
                } catch (KafkaException e) {
                    if (isClosing()) {
                        break;
                    }
                    boolean lasted = System.nanoTime() - began > OUTAGE_RETRY_MAX.toNanos();
                    wait = lasted ? OUTAGE_RETRY_FIRST : wait;
                    listener.outage(e, wait);
                    if (closing.await(wait.toMillis(), TimeUnit.MILLISECONDS)) {
                        break;
                    }
                    wait = wait.multipliedBy(2).compareTo(OUTAGE_RETRY_MAX) > 0
                            ? OUTAGE_RETRY_MAX
                            : wait.multipliedBy(2);
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
