package dev.outbox.testkit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A file that a process appends its output to. */
final class LogFile {

    private static final int TAIL_LINES = 40;
    private static final int CHUNK_BYTES = 64 * 1024;

    private final Path path;

    LogFile(Path path) {
        this.path = path;
    }

    /** Bytes written so far; a place to search from. */
    long size() {
        try {
            return Files.exists(path) ? Files.size(path) : 0;
        } catch (IOException e) {
            throw new UncheckedIOException("Log not readable: " + path, e);
        }
    }

    String text() {
        try {
            return Files.exists(path) ? new String(Files.readAllBytes(path), StandardCharsets.UTF_8) : "";
        } catch (IOException e) {
            throw new UncheckedIOException("Log not readable: " + path, e);
        }
    }

    /** The last lines, for error messages. */
    String tail() {
        List<String> lines = text().lines().toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size()));
    }

    /**
     * The first complete line after {@code from} in which the pattern is found.
     *
     * @throws IllegalStateException with the end of the log, when {@code timeout} has passed or the writer has ended
     *     without such a line
     */
    String awaitLine(Pattern pattern, long from, Duration timeout, BooleanSupplier writerIsAlive) {
        AtomicReference<@Nullable String> found = new AtomicReference<>();
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
            file.seek(from);
            ByteArrayOutputStream partial = new ByteArrayOutputStream();
            Await.until("line: pattern=" + pattern + ", log=" + path, timeout, () -> {
                // Asked before reading, so that the last words of a writer that ends now are not missed.
                boolean last = !writerIsAlive.getAsBoolean();
                found.set(readOn(file, partial, pattern));
                return last || found.get() != null;
            });
        } catch (IOException e) {
            throw new UncheckedIOException("Log not readable: " + path, e);
        } catch (IllegalStateException e) {
            throw new IllegalStateException(e.getMessage() + "; its end:\n" + tail(), e);
        }
        String line = found.get();
        if (line == null) {
            throw new IllegalStateException(
                    "Process ended without the line: pattern=" + pattern + ", log=" + path + "; its end:\n" + tail());
        }
        return line;
    }

    private static @Nullable String readOn(RandomAccessFile file, ByteArrayOutputStream partial, Pattern pattern) {
        byte[] chunk = new byte[CHUNK_BYTES];
        try {
            for (int n = file.read(chunk); n > 0; n = file.read(chunk)) {
                for (int i = 0; i < n; i++) {
                    if (chunk[i] != '\n') {
                        partial.write(chunk[i]);
                        continue;
                    }
                    String line = partial.toString(StandardCharsets.UTF_8);
                    partial.reset();
                    if (pattern.matcher(line).find()) {
                        return line;
                    }
                }
            }
            return null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
