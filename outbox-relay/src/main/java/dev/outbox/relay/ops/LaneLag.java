package dev.outbox.relay.ops;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How far a lane is behind: a row of the view {@code lag}.
 *
 * @param lane null for messages of a channel without lanes
 * @param pending how many messages are committed and neither published nor parked
 * @param oldestPendingAt when the oldest of them happened
 * @param oldestAge how long ago that is
 */
public record LaneLag(
        String channel,
        @Nullable Integer lane,
        @Nullable Long pending,
        @Nullable Instant oldestPendingAt,
        @Nullable Duration oldestAge) {}
