package dev.outbox.testkit.history;

import dev.outbox.testkit.history.Tracked.TopicKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Judges a history: is each committed message delivered, nothing else, unchanged, and each key in order?
 *
 * <p>Order is judged on first deliveries only, for each topic and key, among committed messages that have a position.
 * A message that comes after a higher position of its key is out of order; a gap is none, since what is missing is lost.
 */
public final class HistoryChecker {

    /** How many examples of each kind a report holds unless told otherwise. */
    public static final int EXAMPLES_DEFAULT = 10;

    private final int examplesMax;
    private final Map<Violation.Kind, Long> counts = new EnumMap<>(Violation.Kind.class);
    private final List<Violation> examples = new ArrayList<>();
    private final Map<TopicKey, List<Tracked>> committedByKey = new HashMap<>();

    private HistoryChecker(int examplesMax) {
        this.examplesMax = examplesMax;
    }

    /** Judges with {@value #EXAMPLES_DEFAULT} examples of each kind of violation. */
    public static HistoryReport check(History history) {
        return check(history, EXAMPLES_DEFAULT);
    }

    /**
     * Judges what is recorded at this moment: usually after the writers have ended, the unknown outcomes were resolved
     * and the readers have seen everything.
     *
     * @param examplesMax of each kind of violation
     */
    public static HistoryReport check(History history, int examplesMax) {
        return history.judge(new HistoryChecker(examplesMax)::judge);
    }

    private HistoryReport judge(Collection<Tracked> messages) {
        long appended = 0;
        long committed = 0;
        long rolledBack = 0;
        long unknownCommitted = 0;
        long unknownRolledBack = 0;
        long delivered = 0;
        long duplicates = 0;
        for (Tracked message : messages) {
            if (message.appendedTo == null && message.deliveries == 0) {
                continue; // Somebody only waited for it.
            }
            boolean rolled = message.outcome == Outcome.ROLLED_BACK;
            appended += count(message.appendedTo != null);
            committed += count(message.committed());
            rolledBack += count(rolled);
            unknownCommitted += count(message.committed() && message.wasUnknown);
            unknownRolledBack += count(rolled && message.wasUnknown);
            delivered += count(message.deliveries > 0);
            duplicates += Math.max(0, message.deliveries - 1);
            judgeAlone(message);
        }
        committedByKey.values().forEach(this::judgeKey);
        return new HistoryReport(
                appended,
                committed,
                rolledBack,
                unknownCommitted,
                unknownRolledBack,
                delivered,
                duplicates,
                counts,
                examples);
    }

    private void judgeAlone(Tracked message) {
        TopicKey appendedTo = message.appendedTo;
        if (appendedTo == null) {
            violated(Violation.Kind.PHANTOM, message, "never appended");
            return;
        }
        if (!message.resolved()) {
            violated(Violation.Kind.UNRESOLVED, message, "nobody knows whether it was committed");
            return;
        }
        if (message.committed() && message.deliveries == 0) {
            violated(Violation.Kind.LOST, message, "committed, never delivered");
        }
        if (!message.committed() && message.deliveries > 0) {
            violated(Violation.Kind.PHANTOM, message, "rolled back, yet delivered");
        }
        if (message.corrupted()) {
            violated(
                    Violation.Kind.CORRUPTED,
                    message,
                    "appended to " + appendedTo + " with digest=" + message.digest + ", delivered as "
                            + message.deliveredTo + " with digest=" + message.deliveredDigest
                            + (message.deliveriesDiffer ? ", and its deliveries differ" : ""));
        }
        if (message.committed() && message.position != Append.UNORDERED) {
            committedByKey.computeIfAbsent(appendedTo, k -> new ArrayList<>()).add(message);
        }
    }

    private void judgeKey(List<Tracked> committed) {
        committed.sort(Comparator.comparingLong((Tracked m) -> m.position).thenComparingLong(m -> m.appendedAtMillis));
        Tracked before = null;
        for (Tracked message : committed) {
            if (before != null && before.position == message.position) {
                violated(Violation.Kind.REPEATED_POSITION, message, "same position as id=" + before.id);
            }
            before = message;
        }
        committed.removeIf(m -> m.deliveries == 0);
        committed.sort(Comparator.comparingInt(m -> m.deliveredNo));
        Tracked highest = null;
        for (Tracked message : committed) {
            judgePlace(message, highest);
            if (highest == null || message.position > highest.position) {
                highest = message;
            }
        }
    }

    private void judgePlace(Tracked message, @Nullable Tracked highest) {
        if (highest == null) {
            return;
        }
        if (message.position < highest.position) {
            violated(
                    Violation.Kind.OUT_OF_ORDER,
                    message,
                    "first delivered after position=" + highest.position + " (id=" + highest.id + ", xid=" + highest.xid
                            + ", seq=" + highest.seq + ", " + highest.place() + ")");
        }
        if (message.partition != highest.partition) {
            violated(
                    Violation.Kind.SCATTERED,
                    message,
                    "its key's position=" + highest.position + " is at " + highest.place());
        }
    }

    private void violated(Violation.Kind kind, Tracked message, String why) {
        long count = counts.merge(kind, 1L, Long::sum);
        if (count <= examplesMax) {
            examples.add(message.violation(kind, why));
        }
    }

    private static int count(boolean counted) {
        return counted ? 1 : 0;
    }
}
