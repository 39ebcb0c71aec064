package dev.outbox.testkit.history;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One message appended.
 *
 * <p>The position is the message's place among its key's messages as the writers serialised them, from 1: the version
 * of the domain row that the same transaction wrote. A rolled back position is taken again by the next transaction.
 *
 * @param position 1..N, or {@link #UNORDERED} when the writers did not serialise on the key, or there is none
 * @param digest of the payload, see {@link Digest}
 * @param xid of the transaction, to help in debugging; 0 when not known
 * @param at when it was appended, by the writer's clock
 */
public record Append(UUID id, String topic, @Nullable String key, long position, long digest, long xid, Instant at) {

    /** The position of a message whose order is not to be judged. */
    public static final long UNORDERED = 0;

    /** @throws IllegalArgumentException for a negative position, or one without a key */
    public Append {
        if (position < 0 || (position != UNORDERED && key == null)) {
            throw new IllegalArgumentException("An append cannot be recorded: id=" + id + ", key=" + key + ", position="
                    + position + "; a position is 1 or more, and needs a key");
        }
    }

    /** An append with the digest of {@code payload} and an unknown xid. */
    public static Append of(UUID id, String topic, @Nullable String key, long position, byte[] payload, Instant at) {
        return new Append(id, topic, key, position, Digest.of(payload), 0, at);
    }

    /** The same, with the transaction's xid. */
    public Append withXid(long transactionId) {
        return new Append(id, topic, key, position, digest, transactionId, at);
    }
}
