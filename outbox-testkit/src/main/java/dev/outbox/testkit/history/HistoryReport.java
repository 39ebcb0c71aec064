package dev.outbox.testkit.history;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The judgement of a history. All counts are messages, except {@code duplicates}.
 *
 * @param appended with a record of their append, whatever became of them
 * @param committed of those, including the unknown ones that turned out to be
 * @param rolledBack likewise
 * @param unknownCommitted of unknown outcome first, resolved as committed
 * @param unknownRolledBack of unknown outcome first, resolved as rolled back
 * @param delivered seen at least once
 * @param duplicates deliveries beyond each message's first: allowed
 * @param violations how many messages broke each promise; a kind that did not happen is absent
 * @param examples the first few of each kind
 */
public record HistoryReport(
        long appended,
        long committed,
        long rolledBack,
        long unknownCommitted,
        long unknownRolledBack,
        long delivered,
        long duplicates,
        Map<Violation.Kind, Long> violations,
        List<Violation> examples) {

    public HistoryReport {
        violations = Map.copyOf(violations);
        examples = List.copyOf(examples);
    }

    /** How many messages broke this promise. */
    public long count(Violation.Kind kind) {
        return violations.getOrDefault(kind, 0L);
    }

    /** Committed and never seen. */
    public long lost() {
        return count(Violation.Kind.LOST);
    }

    /** Seen, but rolled back or never appended. */
    public long phantom() {
        return count(Violation.Kind.PHANTOM);
    }

    /** First seen after a later position of the same key. */
    public long outOfOrder() {
        return count(Violation.Kind.OUT_OF_ORDER);
    }

    /** Seen with other contents than appended. */
    public long corrupted() {
        return count(Violation.Kind.CORRUPTED);
    }

    /** True when no promise was broken and every outcome is known. Duplicates are no breach. */
    public boolean isClean() {
        return violations.isEmpty();
    }

    /**
     * Returns this report when it is clean.
     *
     * @throws AssertionError otherwise, with {@link #describe()}
     */
    public HistoryReport assertClean() {
        if (!isClean()) {
            throw new AssertionError("The history is not clean: " + describe());
        }
        return this;
    }

    /** The counts, then one line for each example. */
    public String describe() {
        return this + examples.stream().map(e -> "\n  " + e).collect(Collectors.joining());
    }

    /** The counts on one line. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        text.append("appended=").append(appended).append(", committed=").append(committed);
        text.append(", rolledBack=").append(rolledBack);
        text.append(", unknown=").append(unknownCommitted).append('+').append(unknownRolledBack);
        text.append(" (committed+rolledBack), delivered=").append(delivered);
        text.append(", duplicates=").append(duplicates);
        for (Violation.Kind kind : Violation.Kind.values()) {
            text.append(", ").append(kind).append('=').append(count(kind));
        }
        return text.toString();
    }
}
