package dev.outbox.testkit.history.workload;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Something that is broken again and again while a workload runs.
 *
 * @param name for the result
 * @param pause before the first time and between the end of one time and the next
 * @param timesMin how often it must have happened before the run may end
 * @param strike breaks and mends; what it throws fails the run
 */
public record Fault(String name, Duration pause, int timesMin, Runnable strike) {

    /** @throws IllegalArgumentException for a pause that is not above zero or a negative number of times */
    public Fault {
        if (pause.isNegative() || pause.isZero() || timesMin < 0) {
            throw new IllegalArgumentException(
                    "Not a fault: name=" + name + ", pause=" + pause + ", timesMin=" + timesMin);
        }
    }

    /** A fault that strikes in several ways, one after the other and from the first again. */
    public static Fault alternating(String name, Duration pause, int timesMin, Runnable... strikes) {
        List<Runnable> ways = List.of(strikes);
        AtomicInteger times = new AtomicInteger();
        return new Fault(
                name,
                pause,
                timesMin,
                () -> ways.get(times.getAndIncrement() % ways.size()).run());
    }
}
