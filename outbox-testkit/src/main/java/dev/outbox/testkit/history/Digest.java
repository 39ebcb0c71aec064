package dev.outbox.testkit.history;

import java.util.zip.CRC32C;

/** A payload's CRC-32C, 0 to 2^32-1: enough to notice contents that were changed, cut or swapped on the way. */
public final class Digest {

    /** Says that the contents are not to be compared. */
    public static final long NONE = -1;

    /** The digest of all the bytes. */
    public static long of(byte[] payload) {
        return of(payload, 0, payload.length);
    }

    /** The digest of {@code length} bytes from {@code offset}. */
    public static long of(byte[] payload, int offset, int length) {
        CRC32C crc = new CRC32C();
        crc.update(payload, offset, length);
        return crc.getValue();
    }

    private Digest() {}
}
