package dev.outbox.sample.demo;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/** Prints the story and keeps count of what was right. Safe for use by many threads. */
final class Report {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final Duration LOOK = Duration.ofMillis(20);

    private final PrintStream out;
    private final long began = System.nanoTime();
    private int right;
    private int wrong;

    Report(PrintStream out) {
        this.out = out;
    }

    /** Begins a chapter. */
    synchronized void title(String text) {
        out.println();
        out.println(text);
    }

    /** Something that was done, with the time since the start. */
    synchronized void done(String text) {
        out.printf(Locale.ROOT, "  %5.1f s  %s%n", seconds(), text);
    }

    /** Something worth knowing. */
    synchronized void say(String text) {
        out.println("           " + text);
    }

    /** Prints a figure, and whether it is what it has to be. */
    synchronized <T> void figure(String what, T actual, T expected) {
        boolean same = Objects.equals(actual, expected);
        if (same) {
            right++;
            out.printf(Locale.ROOT, "  OK       %s: %s%n", what, actual);
        } else {
            wrong++;
            out.printf(Locale.ROOT, "  WRONG    %s: %s, and should be: %s%n", what, actual, expected);
        }
    }

    /** Waits until a figure is what it has to be, at most for a while, and prints it. */
    <T> void awaitFigure(String what, Supplier<T> actual, T expected) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        T last = actual.get();
        while (!Objects.equals(last, expected) && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(LOOK.toNanos());
            last = actual.get();
        }
        figure(what, last, expected);
    }

    /** How many figures were right. */
    synchronized int right() {
        return right;
    }

    /** How many figures were wrong. */
    synchronized int wrong() {
        return wrong;
    }

    /** Seconds since the start. */
    double seconds() {
        return (System.nanoTime() - began) / 1e9;
    }
}
