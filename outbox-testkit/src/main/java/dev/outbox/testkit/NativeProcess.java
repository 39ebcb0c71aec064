package dev.outbox.testkit;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A process of the operating system that cannot outlive this JVM.
 *
 * <p>A small shell stands between: it holds the reading end of a pipe whose writing end only this JVM has. When the JVM
 * ends, however it ends, the pipe closes and the shell signals the process. While both live the shell only waits, so
 * that the process is reaped and its exit code is known.
 */
final class NativeProcess {

    /** What to run; {@code orphanSignal} is the signal's name that it gets when this JVM is gone. */
    record Spec(
            List<String> command,
            Map<String, String> environment,
            Path directory,
            Path log,
            String orphanSignal,
            @Nullable Path removeWhenOrphaned) {
        Spec {
            command = List.copyOf(command);
            environment = Map.copyOf(environment);
        }
    }

    /**
     * $1 log, $2 signal, $3 directory to remove (or empty), then the command. The marker file tells the waiting shell
     * that the pipe closed before the process ended. Interrupts are ignored because Ctrl-C reaches the whole terminal
     * group, and the shell must then stay to clean up.
     */
    private static final String WATCHDOG = """
            trap '' INT HUP
            log=$1; signal=$2; remove=$3; shift 3
            exec 3<&0
            "$@" </dev/null >>"$log" 2>&1 3<&- &
            server=$!
            { read -r line <&3
              [ -n "$remove" ] && : >"$remove/.orphaned"
              kill -CONT $server; kill -"$signal" $server
            } >/dev/null 2>&1 &
            dog=$!
            exec 3<&- </dev/null
            echo $server
            exec >/dev/null 2>&1
            wait $server
            code=$?
            kill $dog
            [ -n "$remove" ] && [ -e "$remove/.orphaned" ] && rm -rf "$remove"
            exit $code
            """;

    private final Process shell;
    private final ProcessHandle handle;
    private final LogFile log;

    private NativeProcess(Process shell, ProcessHandle handle, LogFile log) {
        this.shell = shell;
        this.handle = handle;
        this.log = log;
    }

    static NativeProcess start(Spec spec) {
        List<String> command = new ArrayList<>(List.of(
                "sh",
                "-c",
                WATCHDOG,
                "outbox-testkit-watchdog",
                spec.log().toString(),
                spec.orphanSignal(),
                spec.removeWhenOrphaned() == null
                        ? ""
                        : spec.removeWhenOrphaned().toString()));
        command.addAll(spec.command());
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(spec.directory().toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().putAll(spec.environment());
        try {
            Process shell = builder.start();
            BufferedReader reader = shell.inputReader(StandardCharsets.UTF_8);
            String pid = reader.readLine();
            if (pid == null) {
                throw new IllegalStateException("Process did not start: command=" + spec.command());
            }
            return new NativeProcess(shell, handle(Long.parseLong(pid), shell), new LogFile(spec.log()));
        } catch (IOException e) {
            throw new UncheckedIOException("Process did not start: command=" + spec.command(), e);
        }
    }

    /** The handle of a process that may have ended already, in which case the shell's own stands in: it ends too. */
    private static ProcessHandle handle(long pid, Process shell) {
        return ProcessHandle.of(pid).orElseGet(shell::toHandle);
    }

    long pid() {
        return handle.pid();
    }

    /** True until the process has ended and was reaped. */
    boolean isAlive() {
        return shell.isAlive();
    }

    /** Sends a signal by name, e.g. {@code INT}; nothing happens when the process has ended. */
    void signal(String name) {
        if (isAlive()) {
            Signals.send(name, pid());
        }
    }

    void terminate() {
        if (isAlive()) {
            handle.destroy();
        }
    }

    void kill() {
        if (isAlive()) {
            handle.destroyForcibly();
        }
    }

    /** The exit code as a shell gives it (128 + signal), or empty after {@code timeout}. */
    OptionalInt awaitExit(Duration timeout) {
        try {
            return shell.waitFor(timeout.toNanos(), TimeUnit.NANOSECONDS)
                    ? OptionalInt.of(shell.exitValue())
                    : OptionalInt.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while waiting for a process to end: pid=" + pid(), e);
        }
    }

    /** As {@link #awaitExit}, but a process that does not end is killed and reported. */
    int stopped(String what, Duration timeout) {
        return awaitExit(timeout).orElseGet(() -> {
            kill();
            throw new IllegalStateException(what + " did not stop and was killed: pid=" + pid() + ", timeout=" + timeout
                    + ", log:\n" + logTail());
        });
    }

    /** The end of what the process wrote, for error messages. */
    String logTail() {
        return log.tail();
    }

    LogFile log() {
        return log;
    }
}
