package dev.outbox.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/**
 * A JVM started by a test, e.g. a relay that the test kills. It dies with this JVM, even when that is killed.
 *
 * <pre>{@code
 * try (JavaProcess relay = JavaProcess.start(JavaCommand.ofClass("com.example.Main").withArguments("--once"))) {
 *     relay.awaitLine("started", Duration.ofSeconds(30));
 *     relay.kill();
 * }
 * }</pre>
 *
 * <p>Safe for use by many threads.
 */
public final class JavaProcess implements AutoCloseable {

    private static final Duration END_TIMEOUT = Duration.ofSeconds(30);

    private final NativeProcess process;
    private final Path log;
    private final boolean temporaryLog;
    private final long logStart;

    private JavaProcess(NativeProcess process, Path log, boolean temporaryLog, long logStart) {
        this.process = process;
        this.log = log;
        this.temporaryLog = temporaryLog;
        this.logStart = logStart;
    }

    /**
     * Starts it, in this JVM's working directory; returns at once.
     *
     * @throws UncheckedIOException if the log cannot be written or the program cannot be run
     */
    public static JavaProcess start(JavaCommand command) {
        try {
            Path log =
                    command.log().isPresent() ? command.log().get() : Files.createTempFile("outbox-process-", ".log");
            if (!Files.exists(log)) {
                Files.createDirectories(log.resolve("..").normalize());
                Files.createFile(log);
            }
            long logStart = new LogFile(log).size();
            NativeProcess process = NativeProcess.start(new NativeProcess.Spec(
                    command.commandLine(), command.environment(), Path.of("").toAbsolutePath(), log, "KILL", null));
            return new JavaProcess(process, log, command.log().isEmpty(), logStart);
        } catch (IOException e) {
            throw new UncheckedIOException("Process not started: command=" + command.main(), e);
        }
    }

    /** The JVM's process id. */
    public long pid() {
        return process.pid();
    }

    /** False once it has ended. */
    public boolean isAlive() {
        return process.isAlive();
    }

    /** The exit code, 128 + n when it ended by signal n (137 after {@link #kill}); empty while it runs. */
    public OptionalInt exitCode() {
        return process.awaitExit(Duration.ZERO);
    }

    /** Waits for its end and gives the exit code; empty when {@code timeout} passes first. */
    public OptionalInt awaitExit(Duration timeout) {
        return process.awaitExit(timeout);
    }

    /**
     * Waits for a line of output in which the regular expression is found, and gives the first such line. Lines already
     * written count, so that none is missed however late the call comes.
     *
     * @throws IllegalStateException with the end of the output, when {@code timeout} passes or the process ends without
     *     such a line
     */
    public String awaitLine(String regex, Duration timeout) {
        return process.log().awaitLine(Pattern.compile(regex), logStart, timeout, process::isAlive);
    }

    /** What it has written so far, standard output and error together. */
    public String output() {
        return process.log().text();
    }

    /** Where its output goes. */
    public Path log() {
        return log;
    }

    /** SIGKILL; returns when it is gone. */
    public void kill() {
        process.kill();
        process.stopped("Process", END_TIMEOUT);
    }

    /**
     * SIGTERM; returns the exit code.
     *
     * @throws IllegalStateException if it has not ended after {@code timeout}; it is killed then
     */
    public int stop(Duration timeout) {
        process.terminate();
        return process.stopped("Process", timeout);
    }

    /** As {@link #stop(Duration)} with 30 seconds. */
    public int stop() {
        return stop(END_TIMEOUT);
    }

    /** SIGSTOP: it stands still, its connections open; returns when it does. */
    public void suspend() {
        Signals.freeze(pid(), END_TIMEOUT);
    }

    /** SIGCONT: it goes on. */
    public void resume() {
        process.signal("CONT");
    }

    /** Kills it if it runs, and removes a temporary log. */
    @Override
    public void close() {
        kill();
        if (temporaryLog) {
            try {
                Files.deleteIfExists(log);
            } catch (IOException e) {
                throw new UncheckedIOException("Log not removed: " + log, e);
            }
        }
    }
}
