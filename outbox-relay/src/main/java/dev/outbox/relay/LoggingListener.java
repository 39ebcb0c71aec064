package dev.outbox.relay;

import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes what the relay does to the log: changes of state at INFO, trouble at WARN, the flow itself at DEBUG. */
public final class LoggingListener implements RelayListener {

    private static final Logger log = LoggerFactory.getLogger(Relay.class);

    /** A listener that logs under the name of {@link Relay}. */
    public LoggingListener() {}

    @Override
    public void laneTaken(LaneKey lane, long epoch) {
        log.info("Lane taken: lane={}, generation={}, epoch={}", lane, lane.generation(), epoch);
    }

    @Override
    public void laneStarted(LaneKey lane, long checkpoint, String snapshot) {
        log.info("Lane publishes: lane={}, behindCheckpoint={}, snapshot={}", lane, checkpoint, snapshot);
    }

    @Override
    public void laneLeft(LaneKey lane, String why) {
        log.info("Lane left: lane={}, why={}", lane, why);
    }

    @Override
    public void lanesDiffer(String channel, int configured, int actual) {
        log.warn(
                "Number of lanes differs from the settings, the database counts: channel={}, configured={}, actual={}",
                channel,
                configured,
                actual);
    }

    @Override
    public void pageSettled(LaneKey lane, int published, int parked, Duration sinceSent) {
        log.debug(
                "Page settled: lane={}, published={}, parked={}, micros={}",
                lane,
                published,
                parked,
                sinceSent.toNanos() / 1000);
    }

    @Override
    public void checkpointed(LaneKey lane, long no, long published, long parked) {
        log.debug("Checkpoint written: lane={}, no={}, published={}, parked={}", lane, no, published, parked);
    }

    @Override
    public void outage(LaneKey lane, Failure failure, Duration retryIn) {
        log.warn(
                "Broker cannot be used, nothing is lost: lane={}, kind={}, error={}, text={}; next try in {} ms",
                lane,
                failure.kind(),
                failure.errorClass(),
                failure.error(),
                retryIn.toMillis());
    }

    @Override
    public void recovered(LaneKey lane, Duration outage) {
        log.info("Broker takes messages again: lane={}, after={} ms", lane, outage.toMillis());
    }

    @Override
    public void parked(LaneKey lane, Message message, Failure failure) {
        log.error(
                "Message was refused, it is parked and its key held: lane={}, seq={}, id={}, topic={}, error={}, text={}",
                lane,
                message.seq(),
                message.idText(),
                message.topic(),
                failure.errorClass(),
                failure.error());
    }

    @Override
    public void topicUnavailable(LaneKey lane, String topic, Failure failure) {
        log.error(
                "Topic cannot be published to, its messages are parked until it can: lane={}, topic={}, error={}, text={}",
                lane,
                topic,
                failure.errorClass(),
                failure.error());
    }

    @Override
    public void topicAvailable(LaneKey lane, String topic, Duration outage) {
        log.info(
                "Topic can be published to again, all that waited is published: lane={}, topic={}, after={} ms",
                lane,
                topic,
                outage.toMillis());
    }

    @Override
    public void retried(LaneKey lane, int published, int parked) {
        if (published > 0) {
            log.info("Parked messages were published: lane={}, published={}, parkedAgain={}", lane, published, parked);
        } else {
            log.debug("Parked messages were refused again: lane={}, parkedAgain={}", lane, parked);
        }
    }

    @Override
    public void replayed(LaneKey lane, String replay) {
        log.info("Replay is done: lane={}, replay={}", lane, replay);
    }

    @Override
    public void replayFailed(LaneKey lane, String replay, Failure failure) {
        log.error(
                "Replay has failed: lane={}, replay={}, error={}, text={}",
                lane,
                replay,
                failure.errorClass(),
                failure.error());
    }

    @Override
    public void parkedAtBound(LaneKey lane, long messages, long bytes) {
        log.error(
                "So much is parked that the lane reads nothing more until it is less: lane={}, messages={}, bytes={}",
                lane,
                messages,
                bytes);
    }

    @Override
    public void orderException(LaneKey lane, Message message) {
        log.warn(
                "Message was refused after later ones of its key may have gone out: lane={}, seq={}, id={}, topic={}",
                lane,
                message.seq(),
                message.idText(),
                message.topic());
    }

    @Override
    public void databaseUnavailable(String who, Throwable cause, Duration retryIn) {
        log.warn("Database cannot be used: by={}, error={}; next try in {} ms", who, cause, retryIn.toMillis());
    }

    @Override
    public void timelineChanged(LaneKey lane, int from, int to) {
        log.warn(
                "Database was promoted or recovered, the lane goes on from its position there: lane={}, timeline={}, was={}",
                lane,
                to,
                from);
    }

    @Override
    public void segmentRotated(long no, int segment) {
        log.info("Segment opened: no={}, segment={}", no, segment);
    }

    @Override
    public void segmentTruncated(int segment) {
        log.info("Segment emptied: segment={}", segment);
    }

    @Override
    public void segmentBlocked(int segment, String why) {
        log.warn("Segment stays: segment={}, why={}", segment, why);
    }

    @Override
    public void failed(Throwable cause) {
        log.error("Relay stops, an operator is needed", cause);
    }
}
