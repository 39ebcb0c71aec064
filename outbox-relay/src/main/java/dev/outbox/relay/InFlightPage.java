package dev.outbox.relay;

import dev.outbox.relay.broker.BrokerSession.Delivery;
import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A page on its way through the broker, message by message. The lane's thread sends and asks; the broker's threads answer,
 * and an answer that somebody may wait for wakes the lane.
 *
 * <p>After an outage the page is {@linkplain #reopen opened again}: what was accepted or parked stays so, the rest is sent
 * once more, and answers to what was sent before count no longer.
 */
final class InFlightPage {

    /** What has become of one message. */
    enum State {
        /** It has still to be sent. */
        UNSENT,
        /** The broker has not answered yet. */
        SENT,
        /** The broker has it. */
        ACCEPTED,
        /** It did not reach the broker, or the broker could not take it now. */
        FAILED,
        /** The broker does not take it as it is, or not to its topic. */
        REFUSED,
        /** It is parked. */
        PARKED
    }

    /** Nobody else is told that a message is accepted. */
    static final Consumer<Message> NOTHING = message -> {};

    private final Page page;
    private final Thread lane;
    private final List<Parking> parkings = new ArrayList<>();
    private final long bytes;

    // Written by the broker's threads too, under this object's lock.
    private final State[] states;
    private final Map<Integer, Failure> refusals = new HashMap<>();
    private final BitSet overtaken = new BitSet();
    private final Map<String, Progress.OffsetRange> offsets = new HashMap<>();
    private @Nullable Failure outage;
    private int unanswered;
    private int open;
    private int opened;
    private boolean sending;
    private boolean anyAccepted;

    private long sentAtNanos = System.nanoTime();
    private long owedSinceNanos = sentAtNanos;
    private boolean anyAnswer;
    private long lastAnswerNanos;

    InFlightPage(Page page, Thread lane) {
        this.page = page;
        this.lane = lane;
        this.bytes = page.bytes();
        this.states = new State[page.messages().size()];
        Arrays.fill(states, State.UNSENT);
        this.open = states.length;
    }

    Page page() {
        return page;
    }

    Page.Source source() {
        return page.source();
    }

    Message message(int index) {
        return page.messages().get(index);
    }

    Position after() {
        return page.after();
    }

    int size() {
        return states.length;
    }

    /** About how much memory the page takes. */
    long bytes() {
        return bytes;
    }

    long sentAtNanos() {
        return sentAtNanos;
    }

    long firstSeq() {
        return message(0).seq();
    }

    long lastSeq() {
        return message(size() - 1).seq();
    }

    synchronized State state(int index) {
        return states[index];
    }

    /** Its messages are about to be sent, until {@link #sent}; gives those that have still to be, by index. */
    synchronized int[] sending() {
        sending = true;
        sentAtNanos = System.nanoTime();
        int[] unsent = new int[open];
        int count = 0;
        for (int i = 0; i < states.length; i++) {
            if (states[i] == State.UNSENT) {
                unsent[count++] = i;
            }
        }
        return Arrays.copyOf(unsent, count);
    }

    /**
     * Expects an answer for this message from now on.
     *
     * @param whenAccepted told of the message when the broker has it, on the broker's thread
     */
    synchronized Delivery expect(int index, Consumer<Message> whenAccepted) {
        states[index] = State.SENT;
        owedSinceNanos = unanswered == 0 ? System.nanoTime() : owedSinceNanos;
        unanswered++;
        return new Answer(index, opened, whenAccepted);
    }

    /** The client did not send what {@link #expect} announced, and no answer will come. */
    synchronized void notSent(int index, Failure failure) {
        unanswered--;
        failed(index, failure);
    }

    /** The topics of the messages that the broker has not answered for. */
    synchronized void addUnansweredTopics(Set<String> topics) {
        for (int index = 0; index < states.length; index++) {
            if (states[index] == State.SENT) {
                topics.add(message(index).topic());
            }
        }
    }

    /** No answer is expected any more for messages to this topic: they are refused. */
    synchronized void giveUp(String topic, Failure failure) {
        for (int index = 0; index < states.length; index++) {
            if (states[index] == State.SENT && message(index).topic().equals(topic)) {
                unanswered--;
                failed(index, failure);
            }
        }
    }

    /** What can be sent now has been handed to the broker's client. */
    synchronized void sent() {
        sending = false;
        owedSinceNanos = System.nanoTime();
    }

    /** The message goes to the parked ones instead. */
    synchronized void park(int index, Parking parking) {
        parkings.add(parking);
        become(index, State.PARKED);
        refusals.remove(index);
    }

    /** The broker has taken a refused message after all, when it was sent {@code alone}. */
    synchronized void accept(int index, InFlightPage alone) {
        become(index, State.ACCEPTED);
        refusals.remove(index);
        alone.offsets().forEach((destination, range) -> offsets.merge(destination, range, Progress.OffsetRange::with));
    }

    List<Parking> parkings() {
        return parkings;
    }

    /** Whether everything of the page is accepted or parked. */
    synchronized boolean done() {
        return !sending && open == 0;
    }

    /** Whether no answer is missing for what was sent; in a page that was never sent, none is. */
    synchronized boolean quiet() {
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

    /** The messages that the broker refused, by index, in order. */
    synchronized List<Integer> refused() {
        return refusals.keySet().stream().sorted().toList();
    }

    /** Why the message was refused, or null if it was not. */
    synchronized @Nullable Failure refusal(int index) {
        return refusals.get(index);
    }

    /** Marks a message as overtaken by a later one; false if it was marked before. */
    synchronized boolean overtaken(int index) {
        boolean first = !overtaken.get(index);
        overtaken.set(index);
        return first;
    }

    /** Whether the broker has accepted anything since the page was last opened. */
    synchronized boolean anyAccepted() {
        return anyAccepted;
    }

    /** Everything is to be sent once more but what is accepted or parked. */
    synchronized void reopen() {
        opened++;
        unanswered = 0;
        outage = null;
        sending = false;
        anyAccepted = false;
        refusals.clear();
        for (int i = 0; i < states.length; i++) {
            if (states[i] != State.ACCEPTED && states[i] != State.PARKED) {
                states[i] = State.UNSENT;
            }
        }
    }

    synchronized Map<String, Progress.OffsetRange> offsets() {
        return Map.copyOf(offsets);
    }

    /** Since when the broker owes answers for this page, by {@link System#nanoTime}; nothing where it is quiet. */
    synchronized OptionalLong owedSinceNanos() {
        return sending || unanswered == 0 ? OptionalLong.empty() : OptionalLong.of(owedSinceNanos);
    }

    /** When the broker last answered for this page, by {@link System#nanoTime}; nothing where it never has. */
    synchronized OptionalLong lastAnswerNanos() {
        return anyAnswer ? OptionalLong.of(lastAnswerNanos) : OptionalLong.empty();
    }

    private void become(int index, State state) {
        states[index] = state;
        open--;
    }

    private void failed(int index, Failure failure) {
        if (failure.kind() != Failure.Kind.OUTAGE) {
            states[index] = State.REFUSED;
            refusals.put(index, failure);
        } else {
            states[index] = State.FAILED;
            outage = outage == null ? failure : outage;
        }
    }

    private final class Answer implements Delivery {
        private final int index;
        private final int sentWhenOpened;
        private final Consumer<Message> whenAccepted;

        Answer(int index, int sentWhenOpened, Consumer<Message> whenAccepted) {
            this.index = index;
            this.sentWhenOpened = sentWhenOpened;
            this.whenAccepted = whenAccepted;
        }

        @Override
        public void accepted(String destination, long offset) {
            synchronized (InFlightPage.this) {
                if (isLate()) {
                    return;
                }
                Progress.OffsetRange known = offsets.get(destination);
                if (known == null) {
                    offsets.put(destination, new Progress.OffsetRange(offset, offset));
                } else if (offset < known.first() || offset > known.last()) {
                    offsets.put(destination, known.with(new Progress.OffsetRange(offset, offset)));
                }
                become(index, State.ACCEPTED);
                anyAccepted = true;
                answered();
            }
            whenAccepted.accept(message(index));
        }

        @Override
        public void failed(Failure failure) {
            synchronized (InFlightPage.this) {
                if (isLate()) {
                    return;
                }
                InFlightPage.this.failed(index, failure);
                answered();
            }
        }

        /** Nobody waits for this answer any more. */
        private boolean isLate() {
            return sentWhenOpened != opened || states[index] != State.SENT;
        }

        private void answered() {
            unanswered--;
            anyAnswer = true;
            lastAnswerNanos = System.nanoTime();
            if (outage != null || (!sending && unanswered == 0)) {
                LockSupport.unpark(lane);
            }
        }
    }
}
