package dev.outbox.testkit.history.workload;

import dev.outbox.testkit.JavaProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntFunction;
import java.util.regex.Pattern;

/**
 * Relay processes of which one after the other is killed and started anew.
 *
 * <p>Safe for use by many threads.
 */
public final class RelayProcesses implements AutoCloseable {

    private static final int OUTPUT_CHARS_MAX = 4_000;
    private static final long LOOK_NANOS = 20_000_000;

    private final IntFunction<JavaProcess> factory;
    private final List<JavaProcess> running = new ArrayList<>();
    private final List<String> unexpectedEnds = new ArrayList<>();
    private int started;
    private int killed;

    private RelayProcesses(IntFunction<JavaProcess> factory) {
        this.factory = factory;
    }

    /**
     * Starts {@code number} of them.
     *
     * @param factory starts one, given its number from 0, which grows with every start
     */
    public static RelayProcesses start(int number, IntFunction<JavaProcess> factory) {
        RelayProcesses processes = new RelayProcesses(factory);
        try {
            for (int i = 0; i < number; i++) {
                processes.add();
            }
            return processes;
        } catch (RuntimeException | Error e) {
            processes.close();
            throw e;
        }
    }

    /**
     * Sends SIGKILL to the one that has run longest and starts another one in its place. It may strike a relay that has
     * not begun to work; {@link #killWorking} does not.
     */
    public synchronized void killOne() {
        kill(running.remove(0));
    }

    /**
     * Sends SIGKILL to a relay that has written a line in which the regular expression is found, e.g. that it publishes
     * a lane, and starts another one in its place. Of several it is the one that was started last: an older one may have
     * lost its lanes to it. Waits until there is one, since a run whose kills strike idle relays proves nothing.
     *
     * @throws IllegalStateException when {@code timeout} passes without such a relay
     */
    public synchronized void killWorking(String regex, Duration timeout) {
        Pattern line = Pattern.compile(regex, Pattern.MULTILINE);
        long deadline = System.nanoTime() + timeout.toNanos();
        while (true) {
            for (int i = running.size() - 1; i >= 0; i--) {
                if (line.matcher(running.get(i).output()).find()) {
                    kill(running.remove(i));
                    return;
                }
            }
            if (System.nanoTime() - deadline > 0 || Thread.currentThread().isInterrupted()) {
                throw new IllegalStateException("No relay works: relays=" + running.size() + ", waited=" + timeout
                        + ", for=" + regex + ", the oldest wrote:\n" + outputEnd(running.get(0)));
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    private void kill(JavaProcess process) {
        noteIfEnded(process);
        process.close();
        killed++;
        add();
    }

    /** How many were killed. */
    public synchronized int killed() {
        return killed;
    }

    /** Those that ended although nobody had killed them, with their exit codes and the end of their output. */
    public synchronized List<String> unexpectedEnds() {
        List<String> ends = new ArrayList<>(unexpectedEnds);
        running.forEach(process -> process.exitCode().ifPresent(code -> ends.add(describe(process, code))));
        return ends;
    }

    /** Kills all of them. */
    @Override
    public synchronized void close() {
        running.forEach(process -> {
            noteIfEnded(process);
            process.close();
        });
        running.clear();
    }

    private synchronized void add() {
        running.add(factory.apply(started++));
    }

    private void noteIfEnded(JavaProcess process) {
        process.exitCode().ifPresent(code -> unexpectedEnds.add(describe(process, code)));
    }

    private static String describe(JavaProcess process, int code) {
        return "Relay ended by itself: pid=" + process.pid() + ", exit=" + code + ", output:\n" + outputEnd(process);
    }

    private static String outputEnd(JavaProcess process) {
        String output = process.output();
        return output.substring(Math.max(0, output.length() - OUTPUT_CHARS_MAX));
    }
}
