package dev.outbox.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.stream.Stream;

/** Signals to processes, and what the kernel says of them. */
final class Signals {

    /** The built-in of the shell: a {@code kill} program is missing on small images. */
    static void send(String name, long pid) {
        try {
            Process kill = new ProcessBuilder("sh", "-c", "kill -\"$1\" \"$2\"", "kill", name, Long.toString(pid))
                    .redirectErrorStream(true)
                    .start();
            String output = new String(kill.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int code = kill.waitFor();
            if (code != 0 && isRunning(pid)) {
                throw new IllegalStateException("Signal not sent: signal=" + name + ", pid=" + pid + ": " + output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Signal not sent: signal=" + name + ", pid=" + pid, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while sending a signal: pid=" + pid, e);
        }
    }

    /** Stops a process and returns when it stands still: the signal alone returns before that. */
    static void freeze(long pid, Duration timeout) {
        send("STOP", pid);
        Await.until("process to stop: pid=" + pid, timeout, () -> standsStill(pid));
    }

    /** Each thread stops by itself: one that waits for a processor in a system call has that to finish first. */
    private static boolean standsStill(long pid) {
        try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
            return threads.allMatch(thread -> isOf("TtZX", state(thread.resolve("stat"), pid)));
        } catch (IOException | UncheckedIOException e) {
            // The process ended while its threads were listed.
            return !isRunning(pid);
        }
    }

    static List<ProcessHandle> children(long pid) {
        return ProcessHandle.of(pid).map(p -> p.descendants().toList()).orElse(List.of());
    }

    /** Waits until none of them runs; what still runs after {@code timeout} is an error. */
    static void awaitGone(Collection<ProcessHandle> processes, Duration timeout) {
        Await.until(
                "processes to end: " + processes,
                timeout,
                () -> processes.stream().noneMatch(p -> p.isAlive() && isRunning(p.pid())));
    }

    /** False for a zombie: an orphan's new parent may never collect it, yet it holds nothing any more. */
    static boolean isRunning(long pid) {
        return !isOf("ZX", state(Path.of("/proc", Long.toString(pid), "stat"), pid));
    }

    private static boolean isOf(String states, char state) {
        return states.indexOf(state) >= 0;
    }

    /** The state letter in the {@code stat} file of a process or one of its threads; X when there is no such one. */
    private static char state(Path stat, long pid) {
        try {
            String text = Files.readString(stat, StandardCharsets.ISO_8859_1);
            return text.charAt(text.lastIndexOf(')') + 2);
        } catch (NoSuchFileException e) {
            return Files.isDirectory(Path.of("/proc/self")) || !isKnown(pid) ? 'X' : 'R';
        } catch (IOException e) {
            // The process ended between opening and reading its file.
            return isKnown(pid) ? 'R' : 'X';
        }
    }

    private static boolean isKnown(long pid) {
        return ProcessHandle.of(pid).isPresent();
    }

    private Signals() {}
}
