package dev.outbox.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheTest {

    @TempDir
    Path root;

    @BeforeEach
    void useADirectoryOfItsOwn() {
        System.setProperty("OUTBOX_TESTKIT_CACHE", root.toString());
    }

    @AfterEach
    void useTheUsualOne() {
        System.clearProperty("OUTBOX_TESTKIT_CACHE");
    }

    @Test
    void fillsAnEntryOnce() throws IOException {
        Path entry = Cache.entry("a", directory -> Files.writeString(directory.resolve("file"), "first"));
        assertThat(Cache.entry("a", directory -> {
                    throw new IOException("filled twice");
                }))
                .isEqualTo(entry);
        assertThat(entry.resolve("file")).hasContent("first");
        assertThat(files()).containsExactly(entry);
    }

    @Test
    void leavesNothingBehindWhenFillingFails() throws IOException {
        assertThatThrownBy(() -> Cache.entry("a", directory -> {
                    Files.writeString(directory.resolve("file"), "half");
                    throw new IOException("disk full");
                }))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("OUTBOX_TESTKIT_CACHE");
        assertThat(files()).isEmpty();
    }

    @Test
    void takesTheEntryOfAJvmThatWasFaster() throws IOException {
        Path entry = Cache.entry("a", directory -> {
            Files.writeString(directory.resolve("file"), "slower");
            Files.createDirectories(root.resolve("a"));
            Files.writeString(root.resolve("a").resolve("file"), "faster");
        });
        assertThat(entry.resolve("file")).hasContent("faster");
        assertThat(files()).containsExactly(entry);
    }

    @Test
    void kafkasJarsAreAllThere() {
        List<Path> classpath = KafkaLibraries.classpath();
        assertThat(classpath)
                .hasSizeGreaterThan(40)
                .allSatisfy(path -> assertThat(path).exists());
        assertThat(classpath.stream()
                        .map(path -> path.getFileName().toString())
                        .filter(name -> name.startsWith("kafka")))
                .allSatisfy(name -> assertThat(name).endsWith("-4.4.0.jar"));
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(root)) {
            return files.toList();
        }
    }
}
