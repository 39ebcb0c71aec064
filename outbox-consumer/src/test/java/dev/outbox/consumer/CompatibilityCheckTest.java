package dev.outbox.consumer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompatibilityCheckTest {

    private static final String ENVELOPE = """
            {"eventId":"e","eventType":"%s","eventVersion":"%s","occurredAt":"2026-01-15T10:30:00Z",\
            "source":{"service":"test"},"data":%s}""";

    record Created(BigDecimal total, String currency) {
        Created {
            Objects.requireNonNull(total);
            Objects.requireNonNull(currency);
        }
    }

    @TempDir
    private Path directory;

    private final EventHandlers handlers = EventHandlers.of("stock")
            .on("order.created", 2, Created.class, (event, created) -> {
                throw new AssertionError("no handler is called");
            })
            .on("order.shipped", event -> {});
    private final EventHandlers first =
            handlers.upcast("order.created", "1.0", "1.1", data -> data.put("currency", "EUR"));
    private final EventHandlers complete = first.upcast("order.created", "1.1", "2.0", data -> data);

    @BeforeEach
    void storeSamples() throws IOException {
        store("created-1.0.json", "order.created", "1.0", "{\"total\":1}");
        store("created-1.1.json", "order.created", "1.1", "{\"total\":1,\"currency\":\"USD\"}");
        store("created-2.0.json", "order.created", "2.0", "{\"total\":1,\"currency\":\"USD\"}");
        Files.createDirectory(directory.resolve("more"));
        store("more/shipped.json", "order.shipped", "7.0", "1");
        Files.writeString(directory.resolve("README.md"), "no sample");
    }

    private void store(String name, String type, String version, String data) throws IOException {
        Files.writeString(directory.resolve(name), ENVELOPE.formatted(type, version, data));
    }

    @Test
    void succeedsWhenEverySampleReachesAHandlerAndSaysHow() {
        CompatibilityCheck check = CompatibilityCheck.ofDirectory(complete, directory);
        assertThatCode(check::orThrow).doesNotThrowAnyException();
        assertThat(check.failures()).isEmpty();
        assertThat(check).hasToString("""
                Stored events that are still handled: 4 of 4
                  ok      created-1.0.json: order.created 1.0 -> 1.1 -> 2.0 as Created
                  ok      created-1.1.json: order.created 1.1 -> 2.0 as Created
                  ok      created-2.0.json: order.created 2.0 as Created
                  ok      more/shipped.json: order.shipped 7.0, whose handler is for every version""");
    }

    @Test
    void failsWhenAnUpcasterWasRemoved() {
        CompatibilityCheck check = CompatibilityCheck.ofDirectory(first, directory);
        assertThat(check.failures())
                .extracting(CompatibilityCheck.Sample::name)
                .containsExactly("created-1.0.json", "created-1.1.json");
        assertThatThrownBy(check::orThrow)
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("2 of 4")
                .hasMessageContaining("\n  FAILED  created-1.0.json: Version not supported: id=e, type=order.created,"
                        + " version=1.0, supported=[2.x]")
                .hasMessageContaining("\n  ok      created-2.0.json");
        EventHandlers second = handlers.upcast("order.created", "1.1", "2.0", data -> data);
        assertThat(CompatibilityCheck.ofDirectory(second, directory).failures())
                .extracting(CompatibilityCheck.Sample::name)
                .containsExactly("created-1.0.json");
    }

    @Test
    void failsWhenASampleCannotBeReadAndSaysWhyWithoutQuotingIt() throws IOException {
        store("lacking.json", "order.created", "2.1", "{\"total\":1}");
        store("other.json", "order.created", "2.1", "{\"total\":\"secret\"}");
        store("unknown.json", "order.unknown", "1.0", "\"secret\"");
        Files.writeString(directory.resolve("broken.json"), "{\"secret\"");
        CompatibilityCheck check = CompatibilityCheck.ofDirectory(complete, directory);
        assertThat(check.failures())
                .extracting(CompatibilityCheck.Sample::name)
                .containsExactly("broken.json", "lacking.json", "other.json", "unknown.json");
        assertThat(check.toString())
                .contains("FAILED  broken.json: Not an event: origin=broken.json, ")
                .contains(
                        "FAILED  lacking.json: Payload not readable: id=e, type=order.created, version=2.1, field=data,")
                .contains(
                        "FAILED  other.json: Payload not readable: id=e, type=order.created, version=2.1, field=data.total,")
                .contains("FAILED  unknown.json: order.unknown 1.0 has no handler for its type")
                .doesNotContain("secret");
    }

    @Test
    void refusesToCheckNothing() throws IOException {
        Path empty = Files.createDirectory(directory.resolve("empty"));
        assertThatThrownBy(() -> CompatibilityCheck.ofDirectory(complete, empty))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(empty.toString());
        assertThatThrownBy(() -> CompatibilityCheck.ofDirectory(complete, directory.resolve("missing")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("missing");
        assertThatThrownBy(() -> CompatibilityCheck.ofResources(complete, "no-such-events"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Samples not found: resources=no-such-events");
    }

    @Test
    void findsSamplesOnTheClassPathInAJarOrNot() throws IOException {
        Path jar = directory.resolve("samples.jar");
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream entries = new JarOutputStream(file)) {
            entries.putNextEntry(new JarEntry("stored/"));
            entries.putNextEntry(new JarEntry("stored/created.json"));
            entries.write(ENVELOPE.formatted("order.created", "9.0", "{}").getBytes(StandardCharsets.UTF_8));
            entries.closeEntry();
        }
        assertThat(ofResources(jar, "stored").failures())
                .extracting(CompatibilityCheck.Sample::name)
                .containsExactly("created.json");
        assertThat(ofResources(directory, "more").samples())
                .extracting(CompatibilityCheck.Sample::name)
                .containsExactly("shipped.json");
    }

    private CompatibilityCheck ofResources(Path classPath, String name) throws IOException {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        try (URLClassLoader loader =
                new URLClassLoader(new URL[] {classPath.toUri().toURL()}, null)) {
            thread.setContextClassLoader(loader);
            return CompatibilityCheck.ofResources(complete, name);
        } finally {
            thread.setContextClassLoader(before);
        }
    }
}
