package dev.outbox.relay;

import dev.outbox.relay.broker.BrokerSession.Delivery;
import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A page on its way through the broker. The lane's thread sends and asks; the broker's threads answer, and the last answer
 * wakes the lane.
 */
final class InFlightPage {

    /** A message that the broker refused. */
    record Refusal(Message message, Failure failure) {}

    private final Page page;
    private final Thread lane;
    private final List<Parking> parkings = new ArrayList<>();

    // Written by the broker's threads, under this object's lock.
    private final Map<String, Progress.OffsetRange> offsets = new HashMap<>();
    private final List<Refusal> refusals = new ArrayList<>();
    private @Nullable Failure outage;
    private int unanswered;
    private boolean sending = true;

    private final long bytes;
    private final long sentAtNanos = System.nanoTime();
    private volatile long lastAnswerNanos = sentAtNanos;

    InFlightPage(Page page, Thread lane) {
        this.page = page;
        this.lane = lane;
        this.bytes = page.bytes();
    }

    List<Message> messages() {
        return page.messages();
    }

    Position after() {
        return page.after();
    }

    int size() {
        return page.messages().size();
    }

    /** About how much memory the page takes. */
    long bytes() {
        return bytes;
    }

    long sentAtNanos() {
        return sentAtNanos;
    }

    long firstSeq() {
        return page.messages().get(0).seq();
    }

    long lastSeq() {
        return page.messages().get(size() - 1).seq();
    }

    /** Expects an answer for this message from now on. */
    synchronized Delivery expect(Message message) {
        unanswered++;
        return new Answer(message);
    }

    /** What {@link #expect} announced is not sent, and no answer will come. */
    synchronized void unsent() {
        unanswered--;
    }

    /** The client refused what {@link #expect} announced: no answer will come. */
    synchronized void refused(Message message, Failure failure) {
        unanswered--;
        if (failure.kind() == Failure.Kind.MESSAGE) {
            refusals.add(new Refusal(message, failure));
        } else {
            outage = failure;
        }
    }

    /** Everything of the page has been handed to the broker's client. */
    synchronized void sent() {
        sending = false;
        lastAnswerNanos = System.nanoTime();
    }

    void park(Parking parking) {
        parkings.add(parking);
    }

    List<Parking> parkings() {
        return parkings;
    }

    synchronized boolean answered() {
        return !sending && unanswered == 0;
    }

    /** Whether something of the page failed or was refused. */
    synchronized boolean isTroubled() {
        return outage != null || !refusals.isEmpty();
    }

    /** The first failure that is not a message's own, if there was one. */
    synchronized @Nullable Failure outage() {
        return outage;
    }

    /** Takes the messages the broker refused, by seq; they are asked for once. */
    synchronized List<Refusal> takeRefusals() {
        List<Refusal> taken = new ArrayList<>(refusals);
        refusals.clear();
        taken.sort(Comparator.comparingLong(refusal -> refusal.message().seq()));
        return taken;
    }

    /** Adds where a message of this page went that was sent again alone. */
    synchronized void addOffsets(InFlightPage alone) {
        alone.offsets().forEach((destination, range) -> offsets.merge(destination, range, Progress.OffsetRange::with));
    }

    synchronized Map<String, Progress.OffsetRange> offsets() {
        return Map.copyOf(offsets);
    }

    /** When the broker last answered for this page, by {@link System#nanoTime}. */
    long lastAnswerNanos() {
        return lastAnswerNanos;
    }

    private final class Answer implements Delivery {
        private final Message message;

        Answer(Message message) {
            this.message = message;
        }

        @Override
        public void accepted(String destination, long offset) {
            synchronized (InFlightPage.this) {
                Progress.OffsetRange known = offsets.get(destination);
                if (known == null) {
                    offsets.put(destination, new Progress.OffsetRange(offset, offset));
                } else if (offset < known.first() || offset > known.last()) {
                    offsets.put(destination, known.with(new Progress.OffsetRange(offset, offset)));
                }
                answer();
            }
        }

        @Override
        public void failed(Failure failure) {
            synchronized (InFlightPage.this) {
                if (failure.kind() == Failure.Kind.MESSAGE) {
                    refusals.add(new Refusal(message, failure));
                } else if (outage == null) {
                    outage = failure;
                }
                answer();
            }
        }

        private void answer() {
            unanswered--;
            lastAnswerNanos = System.nanoTime();
            if (outage != null || (!sending && unanswered == 0)) {
                LockSupport.unpark(lane);
            }
        }
    }
}
