package dev.outbox.relay;

import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import java.time.Duration;

/**
 * Hears what the relay does. Logging and metrics are listeners.
 *
 * <p>Calls come on the relay's own threads and must not block; what they throw is logged and otherwise ignored.
 */
public interface RelayListener {

    /** The relay owns the lane from now on, in this epoch. */
    default void laneTaken(LaneKey lane, long epoch) {}

    /** The lane starts, or starts again, behind this checkpoint. */
    default void laneStarted(LaneKey lane, long checkpoint, String snapshot) {}

    /** The relay gave the lane back, or lost it. */
    default void laneLeft(LaneKey lane, String why) {}

    /** The number of lanes in the settings is not the one in the database, which counts. */
    default void lanesDiffer(String channel, int configured, int actual) {}

    /** All messages up to the last of a page are published or parked. */
    default void pageSettled(LaneKey lane, int published, int parked, Duration sinceSent) {}

    /** The position was written down. */
    default void checkpointed(LaneKey lane, long no, long published, long parked) {}

    /** The broker, or the way to it, failed; nothing is lost, the lane tries again. */
    default void outage(LaneKey lane, Failure failure, Duration retryIn) {}

    /** The broker takes messages again. */
    default void recovered(LaneKey lane, Duration outage) {}

    /** A message is refused as it is; it is parked, to be tried again, and the later ones of its key wait behind it. */
    default void parked(LaneKey lane, Message message, Failure failure) {}

    /** The topic is missing or may not be written to; its messages are parked until it is there again. */
    default void topicUnavailable(LaneKey lane, String topic, Failure failure) {}

    /** The topic can be published to again, and all that waited for it is published. */
    default void topicAvailable(LaneKey lane, String topic, Duration outage) {}

    /** Parked messages were sent again: so many are published, so many stay parked. */
    default void retried(LaneKey lane, int published, int parked) {}

    /** So much is parked that the lane reads nothing more until it is less. */
    default void parkedAtBound(LaneKey lane, long messages, long bytes) {}

    /** A refusal came after later messages may have gone out; their order cannot be vouched for. */
    default void orderException(LaneKey lane, Message message) {}

    /** The database cannot be used; the lane tries again on a new connection, from its last checkpoint. */
    default void databaseUnavailable(String who, Throwable cause, Duration retryIn) {}

    /** The database was promoted or recovered to a point in time; its position is its own, so the lane goes on. */
    default void timelineChanged(LaneKey lane, int from, int to) {}

    /** A new segment is in use. */
    default void segmentRotated(long no, int segment) {}

    /** A segment was emptied. */
    default void segmentTruncated(int segment) {}

    /** A segment is due to be rotated or emptied and cannot be, for this reason. */
    default void segmentBlocked(int segment, String why) {}

    /** The relay cannot go on and stops; an operator is needed. */
    default void failed(Throwable cause) {}
}
