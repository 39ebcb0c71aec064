package dev.outbox.relay;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What was done since the last checkpoint: it becomes the next checkpoint's receipt. Used by one thread. */
final class Progress {

    private final List<Parking> parkings = new ArrayList<>();
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
        page.parkings().forEach(parkings::add);
        published += page.size() - page.parkings().size();
        page.offsets().forEach((destination, range) -> offsets.merge(destination, range, OffsetRange::with));
        if (page.size() > 0) {
            firstSeq = Math.min(firstSeq, page.firstSeq());
            lastSeq = Math.max(lastSeq, page.lastSeq());
        }
    }

    boolean isEmpty() {
        return !hasMessages() && orderExceptions == 0;
    }

    /** Whether any message is published or parked. */
    boolean hasMessages() {
        return firstSeq <= lastSeq;
    }

    void clear() {
        parkings.clear();
        offsets.clear();
        published = 0;
        orderExceptions = 0;
        firstSeq = Long.MAX_VALUE;
        lastSeq = Long.MIN_VALUE;
    }

    List<Parking> parkings() {
        return parkings;
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

    /** A JSON object: destination to [first, last]. */
    String offsetsJson() {
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
