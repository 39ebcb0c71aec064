package dev.outbox.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * Directories unpacked once and shared by every JVM of this user: an entry is filled under another name and renamed,
 * so that it is either absent or complete.
 */
final class Cache {

    private static final String SETTING = "OUTBOX_TESTKIT_CACHE";

    /** Writes what belongs into an entry. */
    @FunctionalInterface
    interface Filler {
        void fill(Path directory) throws IOException;
    }

    /** The entry called {@code name}, made by {@code filler} unless it is there. */
    static synchronized Path entry(String name, Filler filler) {
        Path root = root();
        Path entry = root.resolve(name);
        if (Files.isDirectory(entry)) {
            return entry;
        }
        try {
            Files.createDirectories(root);
            Path draft = Files.createTempDirectory(root, ".draft-");
            try {
                filler.fill(draft);
                publish(draft, entry);
            } finally {
                if (Files.exists(draft)) {
                    Directories.remove(draft);
                }
            }
            return entry;
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "Not unpacked: entry=" + entry + "; choose another place with " + SETTING, e);
        }
    }

    private static void publish(Path draft, Path entry) throws IOException {
        Privileges.makeReadable(draft);
        try {
            Files.move(draft, entry, StandardCopyOption.ATOMIC_MOVE);
        } catch (FileSystemException e) {
            // Another JVM was faster: a directory that holds something cannot be replaced.
            if (!Files.isDirectory(entry)) {
                throw e;
            }
        }
    }

    private static Path root() {
        String configured = Settings.find(SETTING);
        if (configured != null) {
            return Path.of(configured).toAbsolutePath();
        }
        return Privileges.reachable(Path.of(System.getProperty("user.home"), ".cache", "outbox-testkit"));
    }

    private Cache() {}
}
