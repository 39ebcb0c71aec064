package dev.outbox.relay.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** {@code bin/outbox} as operators run it. */
@ExtendWith(OutboxServers.class)
class LauncherIT {

    private static final Path LAUNCHER =
            Path.of("../bin/outbox").toAbsolutePath().normalize();
    private static final long PATIENCE_MINUTES = 3;

    @TempDir
    Path directory;

    private record Ended(int exitCode, String output, String errors) {}

    @Test
    void runsACommandAndGivesBackItsExitCode(TestDatabase database, KafkaServer kafka) throws Exception {
        OperatedOutbox outbox = new OperatedOutbox(database, kafka);
        outbox.sql().reset();
        outbox.fill();
        Map<String, String> environment = Map.of(
                "OUTBOX_DATABASE_URL", database.jdbcUrl(),
                "OUTBOX_DATABASE_USER", database.user(),
                "OUTBOX_DATABASE_PASSWORD", database.password());
        Path link = Files.createSymbolicLink(directory.resolve("outbox"), LAUNCHER);

        Ended status = run(link, environment, "status", "--json");
        assertThat(status.exitCode()).as(status.errors()).isZero();
        assertThat(status.output())
                .startsWith("[{\"channel\":\"default\",\"lane\":0,")
                .endsWith("}]\n");
        Ended refused = run(link, environment, "retry", "--topic", "two words; and $(more)", "--reason", "it's fine");
        assertThat(refused.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(refused.errors()).contains("nothing matches", "two words; and $(more)");
    }

    @Test
    void saysHowToGetWhatIsMissing() throws Exception {
        Path alone = Files.createDirectories(directory.resolve("bin")).resolve("outbox");
        Files.copy(LAUNCHER, alone);
        Ended noJar = run(alone, Map.of(), "status");
        assertThat(noJar.exitCode()).isEqualTo(ExitCode.WRONG_SETTINGS);
        assertThat(noJar.errors()).contains("its jar is missing", "package -pl outbox-relay");
        Ended noJava = run(LAUNCHER, Map.of("JAVA_HOME", directory.toString()), "status");
        assertThat(noJava.exitCode()).isEqualTo(ExitCode.WRONG_SETTINGS);
        assertThat(noJava.errors()).contains("JAVA_HOME=" + directory + " has no bin/java");
    }

    @Test
    void theCompletionScriptIsOneThatBashReads() throws Exception {
        Ended script = run(LAUNCHER, Map.of(), "completion");
        assertThat(script.exitCode()).as(script.errors()).isZero();
        Path file = Files.writeString(directory.resolve("completion"), script.output());
        Ended read = run(Path.of("/bin/bash"), Map.of(), "-c", "source '" + file + "' && complete -p outbox");
        assertThat(read.exitCode()).as(read.errors()).isZero();
        assertThat(read.output()).contains("outbox");
    }

    private Ended run(Path program, Map<String, String> environment, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(List.of(arguments));
        Path out = directory.resolve("out");
        Path err = directory.resolve("err");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        try {
            assertThat(process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        return new Ended(
                process.exitValue(),
                Files.readString(out, StandardCharsets.UTF_8),
                Files.readString(err, StandardCharsets.UTF_8));
    }
}
