package dev.outbox.relay.ops;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How a lane is doing: a row of the view {@code status}. Of a channel that has messages and no lanes, all but channel,
 * state and what is known of its messages is null.
 *
 * @param state {@code RUNNING}, {@code PAUSED}, {@code TROUBLED}, {@code NO OWNER} or {@code NO LANES}
 * @param since when it came into that state
 * @param detail why it is paused, or what troubles it
 * @param pending how many messages are committed and neither published nor parked
 * @param oldestAge how long the oldest of them has been there
 * @param published how many it has published, in this generation
 * @param waiting how many are parked because their topic cannot be published to
 * @param retrying how many are parked and will be tried again
 * @param held how many are parked behind another of their topic and key
 * @param dead how many are parked and wait for an operator
 */
public record LaneStatus(
        String channel,
        @Nullable Integer lane,
        @Nullable Integer lanes,
        @Nullable Integer generation,
        @Nullable String owner,
        @Nullable Instant leaseUntil,
        String state,
        @Nullable Instant since,
        @Nullable String detail,
        @Nullable Long pending,
        @Nullable Duration oldestAge,
        @Nullable Long published,
        @Nullable Long waiting,
        @Nullable Long retrying,
        @Nullable Long held,
        @Nullable Long dead,
        @Nullable Long orderExceptions,
        @Nullable Long checkpointNo,
        @Nullable Instant checkpointAt) {}
