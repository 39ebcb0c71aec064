package dev.outbox.testkit.history;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One message as a reader saw it.
 *
 * @param digest of the payload without its envelope, see {@link Digest}
 * @param partition where it was seen; 0 for a broker that has none
 * @param offset in the partition
 * @param seq the message's number in the outbox; 0 when not known
 * @param at when it was seen, by the reader's clock
 */
public record Delivery(
        UUID id, String topic, @Nullable String key, long digest, int partition, long offset, long seq, Instant at) {

    /** A delivery with the digest of {@code payload} and an unknown number. */
    public static Delivery of(
            UUID id, String topic, @Nullable String key, byte[] payload, int partition, long offset, Instant at) {
        return new Delivery(id, topic, key, Digest.of(payload), partition, offset, 0, at);
    }

    /** The same, with its number in the outbox. */
    public Delivery withSeq(long number) {
        return new Delivery(id, topic, key, digest, partition, offset, number, at);
    }
}
