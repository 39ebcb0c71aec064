package dev.outbox.testkit.history;

import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Records a history to a file, for writers or readers in JVMs of their own; {@link History#add} reads it back.
 *
 * <p>Append-only, one line for each event, its fields separated by tabs. Each line is with the operating system when the
 * recording method returns, so a killed JVM loses at most the line it was writing; such a torn last line is ignored when
 * the file is read. One JVM writes one file.
 */
public final class HistoryFile implements HistoryRecorder, AutoCloseable {

    private static final String APPENDED = "A";
    private static final String FINISHED = "F";
    private static final String DELIVERED = "D";
    private static final String NULL = "\\0";

    private final OutputStream output;
    private final Clock clock;

    private HistoryFile(OutputStream output, Clock clock) {
        this.output = output;
        this.clock = clock;
    }

    /**
     * Starts a new file; {@code clock} stamps outcomes.
     *
     * @throws UncheckedIOException when it exists already or cannot be made
     */
    public static HistoryFile create(Path file, Clock clock) {
        try {
            Files.createFile(file);
            return new HistoryFile(new FileOutputStream(file.toFile()), clock);
        } catch (IOException e) {
            throw new UncheckedIOException("History file cannot be made: file=" + file, e);
        }
    }

    @Override
    public void appended(Append a) {
        write(
                APPENDED,
                a.id().toString(),
                escaped(a.topic()),
                escaped(a.key()),
                Long.toString(a.position()),
                Long.toString(a.digest()),
                Long.toString(a.xid()),
                millis(a.at()));
    }

    @Override
    public void finished(Outcome outcome, Collection<UUID> ids) {
        write(
                FINISHED,
                outcome.name(),
                millis(clock.instant()),
                ids.stream().map(UUID::toString).collect(Collectors.joining(",")));
    }

    @Override
    public void delivered(Delivery d) {
        write(
                DELIVERED,
                d.id().toString(),
                escaped(d.topic()),
                escaped(d.key()),
                Long.toString(d.digest()),
                Integer.toString(d.partition()),
                Long.toString(d.offset()),
                Long.toString(d.seq()),
                millis(d.at()));
    }

    @Override
    public void close() {
        try {
            output.close();
        } catch (IOException e) {
            throw new UncheckedIOException("History file cannot be closed", e);
        }
    }

    static long read(Path file, History into) {
        long events = 0;
        try (Reader reader = new BufferedReader(
                // Unlike Files.newBufferedReader this reads past a torn character at the end.
                new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8))) {
            StringBuilder line = new StringBuilder();
            for (int c = reader.read(); c >= 0; c = reader.read()) {
                if (c == '\n') {
                    replay(line.toString(), into);
                    line.setLength(0);
                    events++;
                } else {
                    line.append((char) c);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("History file cannot be read: file=" + file, e);
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(
                    "History file has a line that is no event: file=" + file + ", line=" + (events + 1), e);
        }
        return events;
    }

    private static void replay(String line, History into) {
        List<String> f = List.of(line.split("\t", -1));
        switch (f.get(0)) {
            case APPENDED ->
                into.appended(new Append(
                        UUID.fromString(f.get(1)),
                        unescaped(f.get(2)),
                        nullable(f.get(3)),
                        Long.parseLong(f.get(4)),
                        Long.parseLong(f.get(5)),
                        Long.parseLong(f.get(6)),
                        instant(f.get(7))));
            case FINISHED ->
                into.finished(
                        Outcome.valueOf(f.get(1)),
                        f.get(3).isEmpty()
                                ? List.of()
                                : List.of(f.get(3).split(",", -1)).stream()
                                        .map(UUID::fromString)
                                        .toList(),
                        instant(f.get(2)));
            case DELIVERED ->
                into.delivered(new Delivery(
                        UUID.fromString(f.get(1)),
                        unescaped(f.get(2)),
                        nullable(f.get(3)),
                        Long.parseLong(f.get(4)),
                        Integer.parseInt(f.get(5)),
                        Long.parseLong(f.get(6)),
                        Long.parseLong(f.get(7)),
                        instant(f.get(8))));
            default -> throw new IllegalArgumentException("Unknown event: " + f.get(0));
        }
    }

    private synchronized void write(String... fields) {
        String line = String.join("\t", fields) + '\n';
        try {
            output.write(line.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException("History event not written: type=" + fields[0], e);
        }
    }

    private static String millis(Instant at) {
        return Long.toString(at.toEpochMilli());
    }

    private static Instant instant(String millis) {
        return Instant.ofEpochMilli(Long.parseLong(millis));
    }

    private static String escaped(@Nullable String text) {
        return text == null
                ? NULL
                : text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n");
    }

    private static @Nullable String nullable(String field) {
        return field.equals(NULL) ? null : unescaped(field);
    }

    private static String unescaped(String field) {
        StringBuilder text = new StringBuilder(field.length());
        for (int i = 0; i < field.length(); i++) {
            char c = field.charAt(i);
            if (c == '\\') {
                i++;
                c = switch (field.charAt(i)) {
                    case 't' -> '\t';
                    case 'n' -> '\n';
                    default -> field.charAt(i);
                };
            }
            text.append(c);
        }
        return text.toString();
    }
}
