package dev.outbox.relay.rabbitmq;

import dev.outbox.relay.broker.BrokerSession.Delivery;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What one channel has published and RabbitMQ has not confirmed, by delivery tag: the first message published after {@code
 * confirm.select} has tag 1, and confirms come in any order, one by one or for all up to a tag. Thread-safe.
 */
final class Unconfirmed {

    /** A message on its way. */
    record Sent(long seq, RabbitRoutes.Target target, int bytes, Delivery delivery) {}

    /** A ring: the message of a tag is at the tag modulo the length, which is a power of two. */
    private @Nullable Sent[] ring = new Sent[1024];

    private long oldest = 1;
    private long next = 1;
    private int waiting;
    private boolean closed;

    /** What came back, by seq; a message's confirm follows its return. */
    private final Map<Long, Return> returned = new HashMap<>();

    private record Return(int replyCode, String replyText) {}

    /** Adds what is about to be published; false when no more confirms are to be expected. */
    synchronized boolean add(Sent sent) {
        if (closed) {
            return false;
        }
        if (next - oldest == ring.length) {
            grow();
        }
        ring[index(next)] = sent;
        next++;
        waiting++;
        return true;
    }

    /** What was added last was not published after all, and counts for no tag; false if it has been taken meanwhile. */
    synchronized boolean withdraw() {
        if (ring[index(next - 1)] == null) {
            return false;
        }
        next--;
        ring[index(next)] = null;
        left();
        return true;
    }

    /** Waits until nothing is on its way, or nothing can be added any more. */
    synchronized void awaitEmpty() throws InterruptedException {
        while (waiting > 0 && !closed) {
            wait();
        }
    }

    /** No queue took the message. */
    synchronized void returned(long seq, int replyCode, String replyText) {
        returned.put(seq, new Return(replyCode, replyText));
    }

    /** RabbitMQ has the messages up to a tag, or the one: each is accepted, or failed if it came back. */
    void confirm(long tag, boolean multiple) {
        take(tag, multiple, sent -> {
            Return back = returned.isEmpty() ? null : returned.remove(sent.seq());
            if (back == null) {
                sent.delivery().accepted(sent.target().label(), -1);
            } else {
                sent.delivery().failed(RabbitFailures.returned(sent.target(), back.replyCode(), back.replyText()));
            }
        });
    }

    /** RabbitMQ does not have them. */
    void refuse(long tag, boolean multiple) {
        take(tag, multiple, sent -> sent.delivery().failed(RabbitFailures.nacked(sent.target())));
    }

    /** From now on nothing can be added; what is on its way may still be confirmed. */
    synchronized void stop() {
        closed = true;
        notifyAll();
    }

    /** Takes all that are left; from now on nothing can be added. */
    synchronized List<Sent> close() {
        stop();
        List<Sent> left = new ArrayList<>(waiting);
        takeUpTo(next - 1, left::add);
        return left;
    }

    synchronized boolean isEmpty() {
        return waiting == 0;
    }

    private synchronized void take(long tag, boolean multiple, Consumer<Sent> answer) {
        if (multiple) {
            takeUpTo(Math.min(tag, next - 1), answer);
        } else if (tag >= oldest && tag < next) {
            takeOne(tag, answer);
            while (oldest < next && ring[index(oldest)] == null) {
                oldest++;
            }
        }
    }

    private void takeUpTo(long tag, Consumer<Sent> answer) {
        for (; oldest <= tag; oldest++) {
            takeOne(oldest, answer);
        }
    }

    private void takeOne(long tag, Consumer<Sent> answer) {
        Sent sent = ring[index(tag)];
        if (sent != null) {
            ring[index(tag)] = null;
            left();
            answer.accept(sent);
        }
    }

    private void left() {
        waiting--;
        if (waiting == 0) {
            notifyAll();
        }
    }

    private void grow() {
        @Nullable Sent[] larger = new Sent[ring.length * 2];
        for (long tag = oldest; tag < next; tag++) {
            larger[(int) (tag & (larger.length - 1))] = ring[index(tag)];
        }
        ring = larger;
    }

    private int index(long tag) {
        return (int) (tag & (ring.length - 1));
    }
}
