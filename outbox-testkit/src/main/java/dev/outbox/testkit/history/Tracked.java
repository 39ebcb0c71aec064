package dev.outbox.testkit.history;

import java.time.Instant;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What is known of one message, from either side. Guarded by the history's lock; about 200 bytes with its entry. */
final class Tracked {

    /** Where a message belongs. Interned by the history, so a key costs memory once. */
    record TopicKey(String topic, @Nullable String key) {}

    final UUID id;

    @Nullable
    TopicKey appendedTo;

    long position;
    long digest;
    long xid;
    long appendedAtMillis;

    @Nullable
    Outcome outcome;

    boolean wasUnknown;
    long finishedAtMillis;

    int deliveries;

    @Nullable
    TopicKey deliveredTo;

    int deliveredNo;
    long deliveredDigest;
    boolean deliveriesDiffer;
    int partition;
    long offset;
    long seq;
    long deliveredAtMillis;

    Tracked(UUID id) {
        this.id = id;
    }

    void append(Append append, TopicKey to) {
        if (appendedTo != null) {
            throw new IllegalStateException("Appended twice: id=" + id + ", first=" + appendedTo + ", second=" + to
                    + "; every attempt needs an id of its own");
        }
        appendedTo = to;
        position = append.position();
        digest = append.digest();
        xid = append.xid();
        appendedAtMillis = append.at().toEpochMilli();
    }

    void finish(Outcome ended, long atMillis) {
        if (outcome != null && outcome != ended && outcome != Outcome.UNKNOWN) {
            throw new IllegalStateException(
                    "Two outcomes of one message: id=" + id + ", first=" + outcome + ", second=" + ended);
        }
        wasUnknown |= ended == Outcome.UNKNOWN;
        outcome = ended;
        finishedAtMillis = atMillis;
    }

    void deliver(Delivery delivery, TopicKey to, int no) {
        if (deliveries++ == 0) {
            deliveredTo = to;
            deliveredNo = no;
            deliveredDigest = delivery.digest();
            partition = delivery.partition();
            offset = delivery.offset();
            seq = delivery.seq();
            deliveredAtMillis = delivery.at().toEpochMilli();
        } else {
            deliveriesDiffer |= !to.equals(deliveredTo) || deliveredDigest != delivery.digest();
        }
    }

    boolean committed() {
        return outcome == Outcome.COMMITTED;
    }

    boolean resolved() {
        return outcome == Outcome.COMMITTED || outcome == Outcome.ROLLED_BACK;
    }

    boolean corrupted() {
        boolean compared = digest != Digest.NONE && deliveredDigest != Digest.NONE;
        return deliveries > 0
                && (deliveriesDiffer
                        || !Objects.equals(deliveredTo, appendedTo)
                        || (compared && deliveredDigest != digest));
    }

    /** Where it was first delivered, for people. */
    String place() {
        return "partition=" + partition + ", offset=" + offset;
    }

    Violation violation(Violation.Kind kind, String why) {
        TopicKey belongs = appendedTo != null ? appendedTo : deliveredTo;
        return new Violation(
                kind,
                id,
                belongs == null ? "" : belongs.topic(),
                belongs == null ? null : belongs.key(),
                position,
                why + details());
    }

    private String details() {
        StringBuilder text = new StringBuilder();
        text.append("; outcome=").append(outcome).append(wasUnknown && resolved() ? " (was unknown)" : "");
        if (xid != 0) {
            text.append(", xid=").append(xid);
        }
        if (appendedTo != null) {
            text.append(", appendedAt=").append(Instant.ofEpochMilli(appendedAtMillis));
        }
        if (outcome != null) {
            text.append(", finishedAt=").append(Instant.ofEpochMilli(finishedAtMillis));
        }
        if (deliveries > 0) {
            text.append(", deliveries=").append(deliveries);
            text.append(", first at ").append(place());
            text.append(seq == 0 ? "" : ", seq=" + seq);
            text.append(", deliveredAt=").append(Instant.ofEpochMilli(deliveredAtMillis));
        }
        return text.toString();
    }
}
