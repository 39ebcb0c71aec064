package dev.outbox.relay;

import dev.outbox.relay.broker.Failure;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The pages on their way through the broker, oldest first, within a budget of pages and bytes. Behind those that were sent
 * there may be some that an outage sent back, to be sent again. Used by one thread.
 */
final class Pipeline {

    private final ChannelSettings settings;
    private final Deque<InFlightPage> sent = new ArrayDeque<>();
    private final Deque<InFlightPage> again = new ArrayDeque<>();
    private long bytes;

    /** When the broker last answered for a page that is done. */
    private long lastAnswerNanos = System.nanoTime();

    /** After an outage one page goes first; each that comes through doubles what may follow. */
    private int pagesAllowed = 1;

    Pipeline(ChannelSettings settings) {
        this.settings = settings;
    }

    /** Whether a page may be sent, be it a new one or one that goes again. */
    boolean hasRoom() {
        return sent.isEmpty() || (sent.size() < pagesAllowed && bytes < settings.inFlightBytes());
    }

    boolean isEmpty() {
        return sent.isEmpty() && again.isEmpty();
    }

    /** Whether anything in flight failed, or was refused and is to be dealt with when its turn comes. */
    boolean isTroubled() {
        for (InFlightPage page : sent) {
            if (page.isTroubled()) {
                return true;
            }
        }
        return false;
    }

    /** The failure of the oldest page in flight that has one. */
    @Nullable
    Failure outage() {
        for (InFlightPage page : sent) {
            Failure outage = page.outage();
            if (outage != null) {
                return outage;
            }
        }
        return null;
    }

    /** Whether the broker has answered for everything that was sent. */
    boolean isQuiet() {
        for (InFlightPage page : sent) {
            if (!page.quiet()) {
                return false;
            }
        }
        return true;
    }

    /** Whether the broker has accepted anything of what is in flight. */
    boolean hasAccepted() {
        for (InFlightPage page : sent) {
            if (page.anyAccepted()) {
                return true;
            }
        }
        return false;
    }

    /** Whether there are pages that an outage sent back. */
    boolean hasAgain() {
        return !again.isEmpty();
    }

    /** Adds a page that was never sent. */
    void add(InFlightPage page) {
        sent.addLast(page);
        bytes += page.bytes();
    }

    /** Takes a page that goes again into those that are sent, or gives null when there is none. */
    @Nullable
    InFlightPage takeAgain() {
        InFlightPage page = again.pollFirst();
        if (page != null) {
            add(page);
        }
        return page;
    }

    /** Those that were sent, oldest first. */
    Iterable<InFlightPage> sent() {
        return sent;
    }

    @Nullable
    InFlightPage oldest() {
        return sent.peekFirst();
    }

    void removeOldest() {
        InFlightPage page = sent.removeFirst();
        bytes -= page.bytes();
        lastAnswerNanos = later(lastAnswerNanos, page.lastAnswerNanos());
        pagesAllowed = Math.min(settings.pagesInFlightMax(), pagesAllowed * 2);
    }

    /** Everything in flight goes again, all but what the broker has, and slowly at first. */
    void startOver() {
        while (!sent.isEmpty()) {
            InFlightPage page = sent.removeLast();
            page.reopen();
            again.addFirst(page);
        }
        bytes = 0;
        pagesAllowed = 1;
    }

    /**
     * For how long the broker has said nothing although it owes answers. What is sent meanwhile does not count: a broker that
     * never answers must not look alive because there is always something new to send.
     */
    Duration silence() {
        long lastAnswer = lastAnswerNanos;
        for (InFlightPage page : sent) {
            lastAnswer = later(lastAnswer, page.lastAnswerNanos());
        }
        Duration owed = owed();
        Duration sinceAnswer = Duration.ofNanos(System.nanoTime() - lastAnswer);
        return owed.compareTo(sinceAnswer) < 0 ? owed : sinceAnswer;
    }

    /** For how long the broker has owed the answer that it owes the longest; zero if it owes none. */
    Duration owed() {
        long now = System.nanoTime();
        long since = now;
        for (InFlightPage page : sent) {
            since = Math.min(since - now, page.owedSinceNanos().orElse(now) - now) + now;
        }
        return Duration.ofNanos(now - since);
    }

    /** The topics of all messages that the broker has not answered for. */
    Set<String> unansweredTopics() {
        Set<String> topics = new HashSet<>();
        sent.forEach(page -> page.addUnansweredTopics(topics));
        return topics;
    }

    private static long later(long nanos, OptionalLong other) {
        return other.isPresent() && other.getAsLong() - nanos > 0 ? other.getAsLong() : nanos;
    }
}
