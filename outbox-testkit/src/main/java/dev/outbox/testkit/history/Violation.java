package dev.outbox.testkit.history;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One message that broke a promise.
 *
 * @param position of the message within its key, or {@link Append#UNORDERED}
 * @param detail what happened, with everything known of the message: outcome, xid, seq, places and times
 */
public record Violation(
        Kind kind, UUID id, String topic, @Nullable String key, long position, String detail) {

    /** The promises, by how they are broken. */
    public enum Kind {
        /** Committed and never seen. */
        LOST,
        /** Seen, but rolled back or never appended. */
        PHANTOM,
        /** First seen after a later position of the same topic and key. */
        OUT_OF_ORDER,
        /** Seen with another payload, topic or key than it was appended with. */
        CORRUPTED,
        /** First seen in another partition than its key's earlier messages: nobody can read that key in order. */
        SCATTERED,
        /** Two committed messages hold one position: the writers did not serialise, or the database lost a commit. */
        REPEATED_POSITION,
        /** Of unknown outcome and not resolved, so that nothing else can be said of it. */
        UNRESOLVED
    }

    @Override
    public String toString() {
        return kind + " id=" + id + ", topic=" + topic + ", key=" + key + ", position=" + position + ": " + detail;
    }
}
