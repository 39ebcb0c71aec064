package dev.outbox.testkit.history;

import java.nio.charset.StandardCharsets;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What the relay's messages have in common on every broker: id and number as text, and the {@code json} envelope. */
final class Wire {

    private static final byte[] DATA = ",\"data\":".getBytes(StandardCharsets.UTF_8);
    private static final byte[] ENVELOPE = "{\"eventId\":".getBytes(StandardCharsets.UTF_8);

    /**
     * The message's id; what names no message gets an id of its own place, and so becomes a phantom.
     *
     * @param place where it was seen, unlike any other
     */
    static UUID id(@Nullable String id, String place) {
        try {
            if (id != null) {
                return UUID.fromString(id);
            }
        } catch (IllegalArgumentException e) {
            // Falls through: a text that is no id names no message either.
        }
        return UUID.nameUUIDFromBytes((place + '/' + id).getBytes(StandardCharsets.UTF_8));
    }

    /** The message's number in the outbox; 0 when there is none. */
    static long seq(@Nullable String seq) {
        return seq != null && seq.matches("\\d{1,18}") ? Long.parseLong(seq) : 0;
    }

    /**
     * The digest of the payload inside the envelope or, without one, of the value as it is. The envelope is put together
     * from bytes, data last; inside the strings before it a quote would be escaped.
     */
    static long digest(byte[] value) {
        int data = startsWith(value, 0, ENVELOPE) ? indexOf(value, DATA) : -1;
        if (data < 0) {
            return Digest.of(value);
        }
        int from = data + DATA.length;
        return Digest.of(value, from, value.length - 1 - from);
    }

    private static int indexOf(byte[] value, byte[] part) {
        for (int i = 0; i + part.length < value.length; i++) {
            if (startsWith(value, i, part)) {
                return i;
            }
        }
        return -1;
    }

    private static boolean startsWith(byte[] value, int from, byte[] part) {
        if (value.length - from < part.length) {
            return false;
        }
        for (int i = 0; i < part.length; i++) {
            if (value[from + i] != part[i]) {
                return false;
            }
        }
        return true;
    }

    private Wire() {}
}
