package dev.outbox.relay;

import dev.outbox.relay.broker.Message;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What of the parked messages goes to the broker next, one page at a time: first those that an open hold has let go, in order;
 * now and then those whose attempt is due, and the first one of each topic that is not there. Used by the lane's thread.
 *
 * <p>The page takes its turn in the pipeline among those of the outbox, and its outcome is written with the lane's checkpoint.
 */
final class Retries {

    private static final Duration LOOK_INTERVAL = Duration.ofMillis(500);

    /** Operators resolve messages too, so what is parked is counted anew now and then. */
    static final Duration COUNT_INTERVAL = Duration.ofSeconds(5);

    private static final Duration COUNT_INTERVAL_FULL = Duration.ofSeconds(2);

    private static final int KEYS_MAX = 500;
    private static final int HEADS_MAX = 1000;

    private final LaneKey lane;
    private final ChannelSettings.Parking limits;
    private final RelayListener listener;
    private final ParkedMessages parked;
    private final Holds holds;
    private final PageRows pageRows;

    private long messages;
    private long bytes;
    private long countedAtNanos = System.nanoTime();
    private boolean full;

    /** Where the next attempts are looked for; at once by a new owner. */
    private long lookAtNanos = System.nanoTime();

    /**
     * Published, but an operator's open transaction kept that from being written. They are not sent again, and once they are
     * written down they are forgotten.
     */
    private final Map<Long, Parking> published = new HashMap<>();

    /** How many rows the latest page asked for. */
    private int asked;

    private long writeAtNanos = System.nanoTime();

    /** Until then nothing is sent: what an operator's transaction has in hand would be found at once, again and again. */
    private long pausedUntilNanos = System.nanoTime();

    /** A page is on its way, or what became of it is not written yet. */
    private boolean out;

    private boolean settled;

    /** All that an open hold has is on its way: once nothing more can be added, it is released. */
    private boolean closing;

    private Retries(
            LaneLoop.Parts parts, ParkedMessages parked, Holds holds, ParkedMessages.Amount amount, int ceiling) {
        this.lane = parts.lease().lane();
        this.limits = parts.channel().parking();
        this.listener = parts.listener();
        this.parked = parked;
        this.holds = holds;
        this.pageRows = new PageRows(parts.channel(), ceiling);
        this.messages = amount.messages();
        this.bytes = amount.bytes();
    }

    /** As another owner left it. */
    static Retries load(LaneLoop.Parts parts, int pageRowsCeiling) throws SQLException {
        ParkedMessages parked =
                new ParkedMessages(parts.connection(), parts.lease().lane());
        return new Retries(parts, parked, parked.loadHolds(), parked.amount(), pageRowsCeiling);
    }

    Holds holds() {
        return holds;
    }

    /** Whether {@link #next} may have something. */
    boolean due() {
        return !out && !paused() && (closing || holds.hasOpen() || lookDue());
    }

    private boolean paused() {
        return System.nanoTime() - pausedUntilNanos < 0;
    }

    /** The outbox is read meanwhile; its messages are parked behind those that wait. */
    private void pause() {
        pausedUntilNanos = System.nanoTime() + LOOK_INTERVAL.toNanos();
        closing = false;
    }

    private boolean lookDue() {
        return (messages > 0 || !holds.isEmpty()) && System.nanoTime() - lookAtNanos >= 0;
    }

    /** Whether nothing more may be read from the outbox for now: a hold is about to be released. */
    boolean closing() {
        return closing;
    }

    /** Whether so much is parked that nothing more may be read until it is less. */
    boolean full() {
        return full;
    }

    /** In words, why nothing more is read, or null. */
    @Nullable
    String trouble() {
        return full
                ? "parked messages are at their bound (" + limits.rowsMax() + " messages, " + limits.bytesMax()
                        + " bytes): nothing more is read until there are fewer; mend what keeps them, or discard some"
                : null;
    }

    /**
     * The next page, or null when there is none now.
     *
     * @param after the position that the page leaves the lane at
     * @param nothingUnwritten whether everything that was parked so far can be read in the table
     */
    @Nullable
    Page next(Position after, boolean nothingUnwritten) throws SQLException {
        if (out || paused() || (closing && !nothingUnwritten)) {
            return null;
        }
        asked = pageRows.next();
        List<Message> next = released(nothingUnwritten);
        if (next.isEmpty() && !closing && lookDue()) {
            next = attempts(nothingUnwritten);
        }
        if (next.isEmpty()) {
            return null;
        }
        out = true;
        return new Page(Page.Source.PARKED, next, after);
    }

    /** What open holds let go. */
    private List<Message> released(boolean nothingUnwritten) throws SQLException {
        List<TopicKey> keys = holds.openKeys(KEYS_MAX);
        String topic = holds.openTopic();
        int most = asked + published.size();
        List<Message> next = keys.isEmpty() ? List.of() : parked.of(keys, most);
        int read = next.size();
        boolean stuck = onlyPublished(next);
        if (topic != null && (keys.isEmpty() || stuck)) {
            keys = List.of();
            next = parked.waiting(topic, most);
            read = next.size();
            stuck = onlyPublished(next);
        } else {
            topic = null;
        }
        if (stuck) {
            pause();
            return next;
        }
        closing = read < most && !(keys.isEmpty() && topic == null);
        if (next.isEmpty() && nothingUnwritten) {
            holds.release(keys);
            if (topic != null) {
                listener.topicAvailable(lane, topic, holds.release(topic));
            }
            closing = false;
        }
        return next;
    }

    /** Takes out what is published, and gives whether there was nothing else. */
    private boolean onlyPublished(List<Message> messages) {
        return !messages.isEmpty()
                && messages.removeIf(message -> published.containsKey(message.seq()))
                && messages.isEmpty();
    }

    /** What is to be tried again, be it by itself or for an operator; and what an operator resolved holds nobody any more. */
    private List<Message> attempts(boolean nothingUnwritten) throws SQLException {
        lookAtNanos = System.nanoTime() + LOOK_INTERVAL.toNanos();
        if (nothingUnwritten) {
            countIfDue();
        }
        Map<Long, TopicKey> heads = holds.someHeads(HEADS_MAX);
        if (!heads.isEmpty()) {
            Set<Long> resolved = parked.resolved(heads.keySet());
            heads.keySet().retainAll(resolved);
            holds.open(heads.values());
        }
        List<Message> attempts = new ArrayList<>(parked.due(holds.closedTopics(), asked + published.size()));
        for (String topic : holds.topicsToProbe()) {
            List<Message> waiting = parked.waiting(topic, 1 + published.size());
            waiting.removeIf(message -> published.containsKey(message.seq()));
            holds.probe(topic, waiting.isEmpty() ? null : waiting.get(0));
            attempts.addAll(waiting.subList(0, Math.min(1, waiting.size())));
        }
        attempts.removeIf(message -> published.containsKey(message.seq()));
        attempts.sort(Comparator.comparingLong(Message::seq));
        return attempts;
    }

    private void countIfDue() throws SQLException {
        Duration interval = full ? COUNT_INTERVAL_FULL : COUNT_INTERVAL;
        if (System.nanoTime() - countedAtNanos >= interval.toNanos()) {
            ParkedMessages.Amount amount = parked.amount();
            countedAtNanos = System.nanoTime();
            messages = amount.messages();
            bytes = amount.bytes();
            fillOrEmpty();
        }
    }

    /** Everything of the page is accepted or parked. */
    void settled(InFlightPage page) {
        boolean again = page.source() == Page.Source.PARKED;
        if (!again && page.parkings().isEmpty()) {
            return;
        }
        for (int index = 0; index < page.size(); index++) {
            Message message = page.message(index);
            boolean accepted = page.state(index) == InFlightPage.State.ACCEPTED;
            if (again && accepted) {
                holds.published(message);
                messages--;
                bytes -= message.sizeBytes();
            } else if (!again && !accepted) {
                messages++;
                bytes += message.sizeBytes();
            }
        }
        if (again) {
            settled = true;
            pageRows.adapt(page.page(), asked);
            int parkedAgain = page.parkings().size();
            listener.retried(lane, page.size() - parkedAgain, parkedAgain);
        }
        fillOrEmpty();
    }

    /** It is only less than before when a tenth has gone, so that the lane does not stop and go with each message. */
    private void fillOrEmpty() {
        boolean before = full;
        double part = full ? 0.9 : 1;
        full = messages >= limits.rowsMax() * part || bytes >= limits.bytesMax() * part;
        if (full && !before) {
            listener.parkedAtBound(lane, messages, bytes);
        }
    }

    /** What was published and could not be written before: now and then it is tried again. */
    List<Parking> unwritten() {
        if (published.isEmpty() || System.nanoTime() - writeAtNanos < 0) {
            return List.of();
        }
        writeAtNanos = System.nanoTime() + LOOK_INTERVAL.toNanos();
        List<Parking> again = List.copyOf(published.values());
        published.clear();
        return again;
    }

    /**
     * Whether a checkpoint must be written now, for this to go on.
     *
     * @param parkedUnwritten whether messages were parked that are not written yet, and nothing is in flight that may add to them
     */
    boolean wantsCheckpoint(boolean parkedUnwritten) {
        return settled || (closing && parkedUnwritten);
    }

    /** A checkpoint was written, with all outcomes so far. */
    void written(Progress progress) {
        holds.written(progress.parkings());
        progress.outcomes().stream()
                .filter(outcome -> outcome.state() == Parking.State.RESOLVED)
                .forEach(outcome -> published.put(outcome.seq(), outcome));
        if (settled) {
            settled = false;
            out = false;
            if (progress.outcomes().stream().anyMatch(outcome -> outcome.state() != Parking.State.RESOLVED)) {
                pause();
            }
        }
        pageRows.allowMore();
    }
}
