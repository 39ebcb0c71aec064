package dev.outbox.relay;

import dev.outbox.relay.broker.Failure;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** The pages on their way through the broker, oldest first, within a budget of pages and bytes. Used by one thread. */
final class Pipeline {

    private final ChannelSettings settings;
    private final Deque<InFlightPage> pages = new ArrayDeque<>();
    private long bytes;

    /** After an outage one page goes first; each that comes through doubles what may follow. */
    private int pagesAllowed = 1;

    Pipeline(ChannelSettings settings) {
        this.settings = settings;
    }

    boolean hasRoom() {
        return pages.isEmpty() || (pages.size() < pagesAllowed && bytes < settings.inFlightBytes());
    }

    boolean isEmpty() {
        return pages.isEmpty();
    }

    /** Whether anything in flight failed, or was refused and is to be dealt with when its turn comes. */
    boolean isTroubled() {
        for (InFlightPage page : pages) {
            if (page.isTroubled()) {
                return true;
            }
        }
        return false;
    }

    /** The failure of the oldest page in flight that has one. */
    @Nullable
    Failure outage() {
        for (InFlightPage page : pages) {
            Failure outage = page.outage();
            if (outage != null) {
                return outage;
            }
        }
        return null;
    }

    /** Whether the oldest page, if there is one, has all its answers. */
    boolean isAnswered() {
        InFlightPage oldest = oldest();
        return oldest == null || oldest.answered();
    }

    void add(InFlightPage page) {
        pages.addLast(page);
        bytes += page.bytes();
    }

    @Nullable
    InFlightPage oldest() {
        return pages.peekFirst();
    }

    void removeOldest() {
        bytes -= pages.removeFirst().bytes();
        pagesAllowed = Math.min(settings.pagesInFlightMax(), pagesAllowed * 2);
    }

    /** Forgets everything in flight and starts slowly again. */
    void clear() {
        pages.clear();
        bytes = 0;
        pagesAllowed = 1;
    }

    /** When the broker last answered for anything in flight, by {@link System#nanoTime}. */
    long lastAnswerNanos() {
        long latest = Long.MIN_VALUE;
        for (InFlightPage page : pages) {
            latest = latest == Long.MIN_VALUE || page.lastAnswerNanos() - latest > 0 ? page.lastAnswerNanos() : latest;
        }
        return latest;
    }
}
