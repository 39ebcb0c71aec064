package dev.outbox.relay;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/** How long tests wait for what has to come: far longer than it takes, since the machine may be slow and shared. */
public final class Patience {

    /** The longest wait. */
    public static final Duration LONGEST = Duration.ofMinutes(2);

    private Patience() {}

    /** Waits for a condition, as long as {@link #LONGEST}. */
    public static ConditionFactory await() {
        return Awaitility.await().atMost(LONGEST);
    }
}
