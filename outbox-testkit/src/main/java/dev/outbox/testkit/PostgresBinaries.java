package dev.outbox.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;
import org.tukaani.xz.XZInputStream;

/** The programs of PostgreSQL, unpacked from the classpath into the cache. */
final class PostgresBinaries {

    private static final int NEWEST = 18;
    private static final int OWNER_MAY_EXECUTE = 0100;

    private static final ConcurrentMap<Integer, Path> HOMES = new ConcurrentHashMap<>();

    /** The installation's directory, the one with {@code bin}, for a major version or for any. */
    static Path home(int version) {
        int major = version == PostgresOptions.ANY_VERSION ? NEWEST : version;
        return HOMES.computeIfAbsent(major, PostgresBinaries::unpacked);
    }

    private static Path unpacked(int major) {
        String archive = (major == NEWEST ? "" : "dev/outbox/testkit/postgres/" + major + "/") + "postgres-linux-"
                + architecture() + ".txz";
        try {
            String name = "postgres-" + major + "-" + digest(archive, major);
            return Cache.entry(name, directory -> {
                try (InputStream in = open(archive, major)) {
                    unpack(in, directory);
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException("PostgreSQL not unpacked: archive=" + archive, e);
        }
    }

    private static String architecture() {
        String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        if (!os.equals("linux")) {
            throw new IllegalStateException("PostgreSQL is packed for Linux only: os=" + os);
        }
        return switch (arch) {
            case "amd64", "x86_64" -> "x86_64";
            case "aarch64" -> "arm_64";
            default -> throw new IllegalStateException("PostgreSQL is not packed for this processor: arch=" + arch);
        };
    }

    private static InputStream open(String archive, int major) {
        @Nullable InputStream in = PostgresBinaries.class.getClassLoader().getResourceAsStream(archive);
        if (in == null) {
            throw new IllegalStateException(
                    "PostgreSQL " + major + " is not on the classpath (14 and 18 are): resource=" + archive);
        }
        return in;
    }

    /** Names the cache entry by content, so that a new build of the binaries never meets an old one. */
    private static String digest(String archive, int major) throws IOException {
        try (InputStream in = open(archive, major)) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] chunk = new byte[64 * 1024];
            for (int n = in.read(chunk); n > 0; n = in.read(chunk)) {
                digest.update(chunk, 0, n);
            }
            return HexFormat.of().formatHex(digest.digest(), 0, 6);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void unpack(InputStream in, Path directory) throws IOException {
        TarArchiveInputStream tar = new TarArchiveInputStream(new XZInputStream(in));
        for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
            Path target = directory.resolve(entry.getName()).normalize();
            if (!target.startsWith(directory)) {
                throw new IOException("Archive entry points outside: name=" + entry.getName());
            }
            if (entry.isDirectory()) {
                Files.createDirectories(target);
                continue;
            }
            Files.createDirectories(target.resolve("..").normalize());
            if (entry.isSymbolicLink()) {
                Files.createSymbolicLink(target, Path.of(entry.getLinkName()));
                continue;
            }
            Files.copy(tar, target);
            boolean program = (entry.getMode() & OWNER_MAY_EXECUTE) != 0;
            Files.setPosixFilePermissions(target, PosixFilePermissions.fromString(program ? "rwxr-xr-x" : "rw-r--r--"));
        }
    }

    private PostgresBinaries() {}
}
