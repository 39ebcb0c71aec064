package dev.outbox.consumer.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class HandoverTest {

    private static final Delivery DELIVERY =
            new Delivery(new Envelope(1, false, "orders", "order.created"), new AMQP.BasicProperties(), new byte[0]);

    private final AtomicBoolean closing = new AtomicBoolean();
    private final Handover handover = new Handover(closing::get);

    @Test
    void givesWhatWasDeliveredInItsOrder() throws Exception {
        Delivery second = new Delivery(DELIVERY.getEnvelope(), DELIVERY.getProperties(), new byte[1]);
        handover.deliver(DELIVERY);
        handover.deliver(second);
        assertThat(handover.next()).containsSame(DELIVERY);
        assertThat(handover.next()).containsSame(second);
    }

    @Test
    void givesNothingMoreWhenTheConnectionHasEnded() throws Exception {
        IOException cause = new IOException("first");
        handover.deliver(DELIVERY);
        handover.end(cause);
        handover.end(new IOException("second"));
        assertThat(handover.next()).isEmpty();
        assertThat(handover.ended()).containsSame(cause);
    }

    @Test
    void waitsNoLongerWhenTheReceiverIsClosing() throws Exception {
        CompletableFuture<Optional<Delivery>> next = waiting(handover::next);
        closing.set(true);
        handover.wake();
        assertThat(next.get(10, TimeUnit.SECONDS)).isEmpty();
        assertThat(handover.ended()).isEmpty();
    }

    @Test
    void pausesNoLongerWhenTheConnectionHasEnded() throws Exception {
        CompletableFuture<Boolean> pause = waiting(() -> handover.pause(Duration.ofHours(1)));
        handover.end(new IOException("gone"));
        assertThat(pause.get(10, TimeUnit.SECONDS)).isFalse();
    }

    @Test
    void goesOnAfterAPause() throws Exception {
        long began = System.nanoTime();
        assertThat(handover.pause(Duration.ofMillis(30))).isTrue();
        assertThat(System.nanoTime() - began)
                .isGreaterThanOrEqualTo(Duration.ofMillis(30).toNanos());
    }

    private interface Work<T> {

        T run() throws InterruptedException;
    }

    /** Starts the work and returns when it waits. */
    private static <T> CompletableFuture<T> waiting(Work<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                result.complete(work.run());
            } catch (InterruptedException e) {
                result.completeExceptionally(e);
            }
        });
        thread.setDaemon(true);
        thread.start();
        while (thread.getState() != Thread.State.WAITING && thread.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
        return result;
    }
}
