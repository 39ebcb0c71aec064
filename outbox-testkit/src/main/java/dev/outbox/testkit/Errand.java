package dev.outbox.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A program that is run to its end. Like every process started here it cannot outlive this JVM. */
final class Errand {

    /**
     * Runs it and returns what it wrote, standard output and error together.
     *
     * @param what what it does, for messages: a command line may hold a password
     * @throws IllegalStateException with the end of its output, if it fails, is missing or takes longer than
     *     {@code timeout}, in which case it is killed
     */
    static String run(
            String what, List<String> command, Map<String, String> environment, Path directory, Duration timeout) {
        try {
            Path log = Files.createTempFile(directory, ".errand-", ".log");
            try {
                NativeProcess process =
                        NativeProcess.start(new NativeProcess.Spec(command, environment, directory, log, "KILL", null));
                int code = process.stopped("Program that is to " + what, timeout);
                if (code != 0) {
                    throw new IllegalStateException("Could not " + what + ": program=" + command.get(0) + ", exit code="
                            + code + ", output:\n" + process.logTail());
                }
                return Files.readString(log, StandardCharsets.UTF_8);
            } finally {
                Files.deleteIfExists(log);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Could not " + what + ": directory=" + directory, e);
        }
    }

    private Errand() {}
}
