package dev.outbox.consumer;

import dev.outbox.OutboxException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Checks in a test, without broker or database, that stored sample events of every version still reach a handler and can
 * be read. It fails when an upcaster or handler that events of some version need is gone, or when a payload's class no
 * longer reads what it read.
 *
 * <p>A sample is a file named {@code *.json} with one event's JSON envelope, as it was on the wire; other files are
 * passed over. Handlers are not called. The check sees a lacking field only if the payload's class refuses to do without
 * it, since by itself Jackson reads it as null.
 *
 * <pre>{@code
 * @Test
 * void everyVersionEverPublishedIsStillHandled() {
 *     CompatibilityCheck.ofResources(handlers, "order-events").orThrow();
 * }
 * }</pre>
 *
 * @param samples what became of each sample, in the order of their names; at least one
 */
public record CompatibilityCheck(List<Sample> samples) {

    private static final String SUFFIX = ".json";

    /**
     * What became of a sample.
     *
     * @param name the name of its file, from the directory
     * @param handled whether it reached a handler and could be read
     * @param text the event and its way to the handler, or why there is none; never the payload
     */
    public record Sample(String name, boolean handled, String text) {

        /** One line. */
        @Override
        public String toString() {
            return (handled ? "ok      " : "FAILED  ") + name + ": " + text;
        }
    }

    /** Copies the samples. */
    public CompatibilityCheck {
        samples = List.copyOf(samples);
    }

    /**
     * Checks the samples in a directory and those below it.
     *
     * @throws IllegalArgumentException if there is no such directory, or no sample in it
     * @throws UncheckedIOException if a file cannot be read
     */
    public static CompatibilityCheck ofDirectory(EventHandlers handlers, Path directory) {
        if (!Files.isDirectory(directory)) {
            throw new IllegalArgumentException("Samples not found: directory=" + directory);
        }
        try (Stream<Path> files = Files.walk(directory)) {
            List<Path> samples = files.filter(Files::isRegularFile)
                    .filter(file -> file.toString().endsWith(SUFFIX))
                    .sorted()
                    .toList();
            if (samples.isEmpty()) {
                throw new IllegalArgumentException("Samples not found: directory=" + directory + ", files=*" + SUFFIX
                        + "; a check of none would always succeed");
            }
            return new CompatibilityCheck(samples.stream()
                    .map(file -> check(handlers, directory.relativize(file).toString(), bytes(file)))
                    .toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Checks the samples in a directory of the class path, in a jar or not; of several of that name, the first.
     *
     * @param directory its name from the root, as in {@code order-events}
     * @throws IllegalArgumentException if there is no such directory, or no sample in it
     * @throws UncheckedIOException if a file cannot be read
     */
    public static CompatibilityCheck ofResources(EventHandlers handlers, String directory) {
        ClassLoader context = Thread.currentThread().getContextClassLoader();
        ClassLoader loader = context == null ? CompatibilityCheck.class.getClassLoader() : context;
        URL found = loader.getResource(directory);
        if (found == null) {
            throw new IllegalArgumentException("Samples not found: resources=" + directory);
        }
        try {
            if (found.openConnection() instanceof JarURLConnection jar) {
                try (FileSystem files =
                        FileSystems.newFileSystem(Path.of(jar.getJarFileURL().toURI()))) {
                    return ofDirectory(handlers, files.getPath("/").resolve(directory));
                }
            }
            return ofDirectory(handlers, Path.of(found.toURI()));
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("Samples not found: resources=" + found, e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Sample check(EventHandlers handlers, String name, byte[] envelope) {
        try {
            ReceivedEvent event = EventReader.read(new Origin.File(name), null, envelope, Map.of());
            String what = event.type() + " " + event.version();
            return handlers.prepare(event).isPresent()
                    ? new Sample(name, true, what + handlers.way(event))
                    : new Sample(name, false, what + " has no handler for its type");
        } catch (OutboxException e) {
            return new Sample(name, false, String.valueOf(e.getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Sample(name, false, "reading it was interrupted");
        }
    }

    /** The samples that reach no handler or cannot be read, for assertions of your own. */
    public List<Sample> failures() {
        return samples.stream().filter(sample -> !sample.handled()).toList();
    }

    /**
     * Returns if every sample reaches a handler and can be read.
     *
     * @throws AssertionError if not; its text is that of {@link #toString()}
     */
    public void orThrow() {
        if (!failures().isEmpty()) {
            throw new AssertionError(toString());
        }
    }

    /** How many samples are handled, and a line for each. */
    @Override
    public String toString() {
        return "Stored events that are still handled: "
                + (samples.size() - failures().size()) + " of " + samples.size()
                + samples.stream().map(sample -> "\n  " + sample).collect(Collectors.joining());
    }
}
