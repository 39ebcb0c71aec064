package dev.outbox.inbox;

import dev.outbox.OutboxSettings;
import java.time.Duration;

/**
 * How an inbox works. Immutable; start from {@link #defaults}.
 *
 * @param schema the schema of the table {@code inbox}, {@code [a-z_][a-z0-9_]{0,62}}; {@code outbox} by default
 * @param attemptsMax how often a transaction is tried in all when it fails to serialize or deadlocks, 1 to 100; 5 by
 *     default
 * @param backoff the longest wait before the second attempt, doubled for each further one up to a second; the wait is
 *     random up to that; 10 ms by default
 */
public record InboxSettings(String schema, int attemptsMax, Duration backoff) {

    /** @throws IllegalArgumentException if a setting is out of its bounds; the text names it */
    public InboxSettings {
        OutboxSettings.checkSchema(schema);
        if (attemptsMax < 1 || attemptsMax > 100) {
            throw new IllegalArgumentException(
                    "Setting refused: name=attemptsMax, limit=1..100, actual=" + attemptsMax);
        }
        if (backoff.isNegative() || backoff.compareTo(Duration.ofSeconds(1)) > 0) {
            throw new IllegalArgumentException("Setting refused: name=backoff, limit=0..1s, actual=" + backoff);
        }
    }

    /** The schema {@code outbox}, 5 attempts, a backoff from 10 ms. */
    public static InboxSettings defaults() {
        return new InboxSettings(OutboxSettings.SCHEMA_DEFAULT, 5, Duration.ofMillis(10));
    }

    /** These settings for the inbox in another schema. */
    public InboxSettings withSchema(String schema) {
        return new InboxSettings(schema, attemptsMax, backoff);
    }

    /** These settings with another number of attempts. */
    public InboxSettings withAttemptsMax(int attemptsMax) {
        return new InboxSettings(schema, attemptsMax, backoff);
    }

    /** These settings with another backoff. */
    public InboxSettings withBackoff(Duration backoff) {
        return new InboxSettings(schema, attemptsMax, backoff);
    }
}
