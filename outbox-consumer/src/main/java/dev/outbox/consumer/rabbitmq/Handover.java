package dev.outbox.consumer.rabbitmq;

import com.rabbitmq.client.Delivery;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Between the client's threads, which deliver, and the receiver's own, which handles. Holds what the broker sends ahead,
 * so at most the prefetch. What is left in it when the connection ends is the queue's again.
 */
final class Handover {

    private final BooleanSupplier closing;

    // All below is guarded by this.
    private final Deque<Delivery> deliveries = new ArrayDeque<>();
    private @Nullable IOException end;

    Handover(BooleanSupplier closing) {
        this.closing = closing;
    }

    synchronized void deliver(Delivery delivery) {
        deliveries.add(delivery);
        notifyAll();
    }

    /** Nothing more comes, and what came cannot be acknowledged any more. The first cause counts. */
    synchronized void end(IOException cause) {
        if (end == null) {
            end = cause;
            notifyAll();
        }
    }

    /** Lets a waiting receiver see that it is closing. */
    synchronized void wake() {
        notifyAll();
    }

    /** The next delivery; empty when the receiver is closing or the connection has ended. */
    synchronized Optional<Delivery> next() throws InterruptedException {
        while (isGoingOn() && deliveries.isEmpty()) {
            wait();
        }
        return isGoingOn() ? Optional.of(deliveries.remove()) : Optional.empty();
    }

    /** Waits, and returns whether the receiver is to go on after it; as soon as it is not, returns at once. */
    synchronized boolean pause(Duration duration) throws InterruptedException {
        long due = System.nanoTime() + duration.toNanos();
        for (long left = duration.toNanos(); isGoingOn() && left > 0; left = due - System.nanoTime()) {
            // Rounded up: a wait of 0 has no end.
            wait(left / 1_000_000 + 1);
        }
        return isGoingOn();
    }

    /** Why the connection has ended, if it has. */
    synchronized Optional<IOException> ended() {
        return Optional.ofNullable(end);
    }

    private boolean isGoingOn() {
        return end == null && !closing.getAsBoolean();
    }
}
