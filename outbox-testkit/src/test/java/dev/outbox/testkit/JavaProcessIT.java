package dev.outbox.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JavaProcessIT {

    private static final Duration TIMEOUT = Duration.ofMinutes(3);

    @Test
    void nothingOutlivesAKilledJvm(@TempDir Path directory) throws Exception {
        JavaCommand command = JavaCommand.ofClass(OrphanMaker.class.getName())
                .withSystemProperty("java.io.tmpdir", directory.toString())
                .withArguments("wait");
        try (JavaProcess parent = JavaProcess.start(command)) {
            List<ProcessHandle> offspring = offspring(parent);
            assertThat(offspring).hasSizeGreaterThan(12).allMatch(ProcessHandle::isAlive);
            parent.kill();
            Signals.awaitGone(offspring, TIMEOUT);
        }
        awaitEmpty(directory);
    }

    @Test
    void nothingOutlivesAJvmThatEndsWithoutClosing(@TempDir Path directory) throws Exception {
        JavaCommand command = JavaCommand.ofClass(OrphanMaker.class.getName())
                .withSystemProperty("java.io.tmpdir", directory.toString())
                .withArguments("wait");
        try (JavaProcess parent = JavaProcess.start(command)) {
            List<ProcessHandle> offspring = offspring(parent);
            assertThat(parent.stop(TIMEOUT)).isEqualTo(128 + 15);
            Signals.awaitGone(offspring, TIMEOUT);
        }
        awaitEmpty(directory);
    }

    @Test
    void tellsOutputExitCodeAndEnd(@TempDir Path directory) {
        Path log = directory.resolve("logs/process.log");
        JavaCommand command = JavaCommand.ofClass(OrphanMaker.class.getName())
                .withArguments("exit")
                .withEnvironment("GREETING", "hello")
                .withJvmOptions("-Xmx32m")
                .withSystemProperty("greeting.to", "world")
                .withLog(log);
        try (JavaProcess process = JavaProcess.start(command)) {
            assertThat(process.awaitLine("^hello w.*d$", TIMEOUT)).isEqualTo("hello world");
            assertThat(process.awaitExit(TIMEOUT)).hasValue(3);
            assertThat(process.exitCode()).hasValue(3);
            assertThatThrownBy(() -> process.awaitLine("never", TIMEOUT)).hasMessageContaining("hello world");
            process.kill();
        }
        assertThat(log).exists();
    }

    @Test
    void standsStillWhileSuspended() {
        JavaCommand command = JavaCommand.ofClass(OrphanMaker.class.getName()).withArguments("tick");
        try (JavaProcess process = JavaProcess.start(command)) {
            process.awaitLine("tick", TIMEOUT);
            process.suspend();
            long size = process.output().length();
            assertThat(process.awaitExit(Duration.ofMillis(300))).isEmpty();
            assertThat(process.output()).hasSize((int) size);
            process.resume();
            Await.until("more output", TIMEOUT, () -> process.output().length() > size);
            process.kill();
            assertThat(process.exitCode()).hasValue(137);
        }
    }

    /** The servers, their helpers and the shells that watch them. */
    private static List<ProcessHandle> offspring(JavaProcess parent) {
        String[] pids = parent.awaitLine("^pids ", TIMEOUT).split(" ", -1);
        List<ProcessHandle> offspring = Signals.children(parent.pid());
        assertThat(offspring)
                .extracting(ProcessHandle::pid)
                .contains(Stream.of(pids).skip(1).map(Long::valueOf).toArray(Long[]::new));
        assertThat(offspring)
                .extracting(process -> process.info().command().orElse(""))
                .anyMatch(command -> command.endsWith("/epmd"));
        return offspring;
    }

    private static void awaitEmpty(Path directory) {
        Await.until("servers' directories to be removed: " + directory, TIMEOUT, () -> {
            try (Stream<Path> left = Files.list(directory)) {
                return left.noneMatch(p -> p.getFileName().toString().startsWith("outbox-"));
            } catch (java.io.IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
    }
}
