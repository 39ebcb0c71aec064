package dev.outbox.relay;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What was done since the last checkpoint: it becomes the next checkpoint's receipt. Used by one thread. */
final class Progress {

    private final List<Parking> parkings = new ArrayList<>();
    private final List<Parking> outcomes = new ArrayList<>();
    private final Map<String, OffsetRange> offsets = new TreeMap<>();
    private long published;
    private long orderExceptions;
    private long firstSeq = Long.MAX_VALUE;
    private long lastSeq = Long.MIN_VALUE;

    /** First and last offset at one destination; equal and negative where the broker has no offsets. */
    record OffsetRange(long first, long last) {
        OffsetRange with(OffsetRange other) {
            return new OffsetRange(Math.min(first, other.first), Math.max(last, other.last));
        }
    }

    void add(InFlightPage page) {
        published += page.size() - page.parkings().size();
        page.offsets().forEach((destination, range) -> offsets.merge(destination, range, OffsetRange::with));
        if (page.source() == Page.Source.PARKED) {
            outcomes.addAll(page.parkings());
            for (int index = 0; index < page.size(); index++) {
                if (page.state(index) == InFlightPage.State.ACCEPTED) {
                    outcomes.add(Parking.published(page.message(index).seq()));
                }
            }
        } else if (page.size() > 0) {
            parkings.addAll(page.parkings());
            firstSeq = Math.min(firstSeq, page.firstSeq());
            lastSeq = Math.max(lastSeq, page.lastSeq());
        }
    }

    boolean isEmpty() {
        return !hasMessages() && outcomes.isEmpty() && orderExceptions == 0;
    }

    /** Whether any message of the outbox is published or parked. */
    boolean hasMessages() {
        return firstSeq <= lastSeq;
    }

    void clear() {
        parkings.clear();
        outcomes.clear();
        offsets.clear();
        published = 0;
        orderExceptions = 0;
        firstSeq = Long.MAX_VALUE;
        lastSeq = Long.MIN_VALUE;
    }

    /** Of the outcomes only these could be written; an operator's transaction has the others. */
    void resolved(Set<Long> seqs) {
        outcomes.removeIf(outcome -> seqs.contains(outcome.seq()));
    }

    /** Messages of the outbox that are parked now. */
    List<Parking> parkings() {
        return parkings;
    }

    /** What has become of messages that were parked before; once written, what could not be. */
    List<Parking> outcomes() {
        return outcomes;
    }

    /** One more message whose order could not be kept. */
    void orderException() {
        orderExceptions++;
    }

    long orderExceptions() {
        return orderExceptions;
    }

    long published() {
        return published;
    }

    long firstSeq() {
        return firstSeq;
    }

    long lastSeq() {
        return lastSeq;
    }

    /** A JSON object: destination to [first, last]; null when nothing was published. */
    @Nullable
    String offsetsJson() {
        if (offsets.isEmpty()) {
            return null;
        }
        StringBuilder json = new StringBuilder("{");
        offsets.forEach((destination, range) -> {
            if (json.length() > 1) {
                json.append(',');
            }
            json.append('"')
                    .append(destination.replaceAll("[\\p{Cntrl}\"\\\\]", "?"))
                    .append("\":[")
                    .append(range.first())
                    .append(',')
                    .append(range.last())
                    .append(']');
        });
        return json.append('}').toString();
    }
}
