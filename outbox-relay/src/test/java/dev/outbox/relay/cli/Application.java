package dev.outbox.relay.cli;

import dev.outbox.testkit.JavaCommand;
import dev.outbox.testkit.JavaProcess;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.stream.Stream;

/** The runnable jar, as its users start it. */
final class Application {

    private static final Duration PATIENCE = Duration.ofMinutes(3);

    /** What a command wrote and how it ended. */
    record Ended(int exitCode, String output) {}

    private Application() {}

    /** The jar with arguments, and nothing configured. */
    static JavaCommand command(String... arguments) {
        // Quick to start, and no larger than a small container.
        return JavaCommand.ofJar(jar())
                .withJvmOptions("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m")
                .withArguments(arguments);
    }

    /** The jar with arguments, on these servers, by environment variables. */
    static JavaCommand command(TestDatabase database, KafkaServer kafka, String... arguments) {
        return command(arguments)
                .withEnvironment("OUTBOX_DATABASE_URL", database.jdbcUrl())
                .withEnvironment("OUTBOX_DATABASE_USER", database.user())
                .withEnvironment("OUTBOX_DATABASE_PASSWORD", database.password())
                .withEnvironment("KAFKA_BROKERS", kafka.bootstrapServers());
    }

    /** Runs a command to its end. */
    static Ended run(JavaCommand command) {
        try (JavaProcess process = JavaProcess.start(command)) {
            OptionalInt code = process.awaitExit(PATIENCE);
            if (code.isEmpty()) {
                throw new AssertionError(
                        "Command did not end: arguments=" + command.arguments() + ", output=\n" + process.output());
            }
            // The JVM itself reports options that it finds in the environment.
            String output = process.output().replaceAll("(?m)^(NOTE: )?Picked up \\w+: .*\\R", "");
            return new Ended(code.getAsInt(), output);
        }
    }

    private static Path jar() {
        try (Stream<Path> files = Files.list(Path.of("target"))) {
            return files.filter(file -> file.getFileName().toString().endsWith("-exec.jar"))
                    .findFirst()
                    .orElseThrow(
                            () -> new IllegalStateException(
                                    "The runnable jar is missing in target; make it with: mvn -pl outbox-relay -am package -DskipTests"));
        } catch (IOException e) {
            throw new IllegalStateException("The runnable jar cannot be looked for: directory=target", e);
        }
    }
}
