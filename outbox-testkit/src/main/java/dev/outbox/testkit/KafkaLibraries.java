package dev.outbox.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * The jars of the Kafka server. They are resources, not classpath: from a directory they are used where they are, out
 * of a jar they are unpacked into the cache.
 */
final class KafkaLibraries {

    private static final String ROOT = "dev/outbox/testkit/kafka/";

    /** The classpath of the server's JVM, with the launcher {@link KafkaMain} in front. */
    static List<Path> classpath() {
        ClassLoader loader = KafkaLibraries.class.getClassLoader();
        @Nullable URL index = loader.getResource(ROOT + "libs/index");
        if (index == null) {
            throw new IllegalStateException(
                    "Kafka's jars are not on the classpath: module outbox-testkit-kafka, resource=" + ROOT
                            + "libs/index");
        }
        try {
            String text = read(index).trim();
            List<String> names = Arrays.asList(text.split(":", -1));
            Path directory = index.getProtocol().equals("file")
                    ? Path.of(index.toURI()).resolve("../..").normalize()
                    : unpacked(loader, text, names);
            return Stream.concat(Stream.of(launcher()), names.stream().map(directory::resolve))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException("Kafka's jars not readable: " + index, e);
        } catch (URISyntaxException e) {
            throw new IllegalStateException("Kafka's jars not readable: " + index, e);
        }
    }

    private static Path launcher() throws URISyntaxException {
        @Nullable CodeSource source = KafkaMain.class.getProtectionDomain().getCodeSource();
        if (source == null) {
            throw new IllegalStateException("The testkit's own jar was not found");
        }
        return Path.of(source.getLocation().toURI());
    }

    private static String read(URL url) throws IOException {
        try (InputStream in = url.openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** Named by the index, which names every version. */
    private static Path unpacked(ClassLoader loader, String index, List<String> names) {
        CRC32 checksum = new CRC32();
        checksum.update(index.getBytes(StandardCharsets.UTF_8));
        return Cache.entry(String.format(Locale.ROOT, "kafka-%08x", checksum.getValue()), directory -> {
            Files.createDirectories(directory.resolve("libs"));
            for (String name : names) {
                try (@Nullable InputStream in = loader.getResourceAsStream(ROOT + name)) {
                    if (in == null) {
                        throw new IOException("Listed but absent: resource=" + ROOT + name);
                    }
                    Files.copy(in, directory.resolve(name));
                }
            }
        });
    }

    private KafkaLibraries() {}
}
