package dev.outbox.relay;

import dev.outbox.relay.broker.Message;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Lets one message of each (topic, key) through at a time; those behind it wait in line. What has no key just passes.
 *
 * <p>Used by the lane's thread, but for {@link #leave}. After an outage another gate takes its place: whoever leaves this
 * one late opens nothing there.
 */
final class KeyGate {

    /** A message in line. */
    record Waiting(InFlightPage page, int index) {}

    private final Thread lane;

    /** Who waits behind the message that has gone through; a key that is not there is free. */
    private final Map<TopicKey, Deque<Waiting>> lines = new HashMap<>();

    private final Queue<TopicKey> left = new ConcurrentLinkedQueue<>();

    KeyGate(Thread lane) {
        this.lane = lane;
    }

    /** Whether the message may go; otherwise it waits in line, and {@link #next} gives it when its turn has come. */
    boolean enter(InFlightPage page, int index) {
        Message message = page.message(index);
        if (message.key() == null) {
            return true;
        }
        TopicKey key = TopicKey.of(message);
        Deque<Waiting> line = lines.get(key);
        if (line == null) {
            lines.put(key, new ArrayDeque<>(2));
            return true;
        }
        line.addLast(new Waiting(page, index));
        return false;
    }

    /** The message that went through is done with: the next of its key may go. By any thread. */
    void leave(Message message) {
        if (message.key() != null) {
            left.add(TopicKey.of(message));
            LockSupport.unpark(lane);
        }
    }

    /** Whether {@link #next} may have one. */
    boolean anyLeft() {
        return !left.isEmpty();
    }

    /** One that may go now and has gone through, or null when there is none. */
    @Nullable
    Waiting next() {
        for (TopicKey key = left.poll(); key != null; key = left.poll()) {
            Deque<Waiting> line = lines.get(key);
            Waiting first = line == null ? null : line.pollFirst();
            if (first != null) {
                return first;
            }
            lines.remove(key);
        }
        return null;
    }
}
