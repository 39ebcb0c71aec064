package dev.outbox.testkit;

import java.security.SecureRandom;
import java.util.HexFormat;

/** Parts of names that must not meet on a server shared by many JVMs. */
final class Names {

    private static final int RANDOM_BYTES = 4;
    private static final SecureRandom RANDOM = new SecureRandom();

    /** Eight hexadecimal digits. */
    static String random() {
        byte[] bytes = new byte[RANDOM_BYTES];
        RANDOM.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private Names() {}
}
