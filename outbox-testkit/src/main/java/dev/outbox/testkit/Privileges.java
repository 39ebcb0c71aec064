package dev.outbox.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;

/**
 * How a server that refuses to run as root is started by root: in a user namespace of its own, where it still owns our
 * files, or else as "nobody", to whom its files are then given.
 */
final class Privileges {

    private enum Kind {
        ORDINARY_USER,
        NAMESPACE,
        NOBODY,
        NONE
    }

    private static final int NOBODY_ID = 65534;

    private static final Kind KIND = choose();

    /** What goes in front of a command that must not run as root. */
    static List<String> prefix() {
        if (KIND == Kind.NONE) {
            throw new IllegalStateException("PostgreSQL does not run as root, and neither unshare -U nor setpriv works"
                    + " here; run the tests as an ordinary user");
        }
        return prefix(KIND);
    }

    private static List<String> prefix(Kind kind) {
        return switch (kind) {
            case ORDINARY_USER, NONE -> List.of();
            case NAMESPACE -> List.of("unshare", "-U");
            case NOBODY -> List.of("setpriv", "--reuid=" + NOBODY_ID, "--regid=" + NOBODY_ID, "--clear-groups");
        };
    }

    /** Gives a directory to the user that {@link #prefix} switches to; does nothing when that user is us. */
    static void give(Path directory) {
        if (KIND == Kind.NOBODY) {
            try {
                Files.setAttribute(directory, "unix:uid", NOBODY_ID);
                Files.setAttribute(directory, "unix:gid", NOBODY_ID);
            } catch (IOException e) {
                throw new UncheckedIOException("Owner not changed: directory=" + directory, e);
            }
        }
    }

    /** Lets every user read a directory that was made private. */
    static void makeReadable(Path directory) throws IOException {
        if (KIND == Kind.NOBODY) {
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }

    /** The directory itself, or one under the temporary directory where the switched user cannot reach it. */
    static Path reachable(Path directory) {
        if (KIND != Kind.NOBODY) {
            return directory;
        }
        Path shared = Path.of(System.getProperty("java.io.tmpdir"), "outbox-testkit-cache");
        try {
            if (Files.exists(shared) && uid(shared, LinkOption.NOFOLLOW_LINKS) != 0) {
                throw new IllegalStateException(
                        "Directory belongs to somebody else: " + shared + "; choose another with OUTBOX_TESTKIT_CACHE");
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Directory not readable: " + shared, e);
        }
        return shared;
    }

    private static Kind choose() {
        try {
            if (!Files.exists(Path.of("/proc/self")) || uid(Path.of("/proc/self")) != 0) {
                return Kind.ORDINARY_USER;
            }
            for (Kind kind : List.of(Kind.NAMESPACE, Kind.NOBODY)) {
                if (works(prefix(kind))) {
                    return kind;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("User of this process not found", e);
        }
        return Kind.NONE;
    }

    private static int uid(Path path, LinkOption... options) throws IOException {
        return (Integer) Files.getAttribute(path, "unix:uid", options);
    }

    private static boolean works(List<String> prefix) {
        try {
            return new ProcessBuilder(Stream.concat(prefix.stream(), Stream.of("true"))
                                    .toList())
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while trying " + prefix, e);
        }
    }

    private Privileges() {}
}
