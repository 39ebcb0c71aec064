package dev.outbox.consumer;

import java.time.Duration;
import java.util.Collection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes what a receiver does to the log; never the content of an event. */
final class LoggingReceiverListener implements ReceiverListener {

    private static final Logger LOG = LoggerFactory.getLogger(LoggingReceiverListener.class);

    @Override
    public void received(ReceivedEvent event, EventReceiver.Outcome outcome) {
        LOG.debug("Received: id={}, type={}, origin={}, outcome={}", event.id(), event.type(), event.origin(), outcome);
    }

    @Override
    public void failed(ReceivedEvent event, int attempt, Throwable cause, Duration retryIn) {
        LOG.warn(
                "Handling failed: id={}, type={}, origin={}, attempt={}; what is behind it waits, retrying in {} ms",
                event.id(),
                event.type(),
                event.origin(),
                attempt,
                retryIn.toMillis(),
                cause);
    }

    @Override
    public void malformed(Origin origin, int attempt, MalformedEventException cause, Duration retryIn) {
        LOG.error(
                "Record is not an event: origin={}, attempt={}; what is behind it waits, reading it again in {} ms: {}",
                origin,
                attempt,
                retryIn.toMillis(),
                cause.getMessage());
    }

    @Override
    public void malformedSkipped(Origin origin, MalformedEventException cause) {
        LOG.error("Record is not an event: origin={}; passed by, as configured: {}", origin, cause.getMessage());
    }

    @Override
    public void assigned(Collection<String> sources) {
        LOG.info("Receiving from {}", sources);
    }

    @Override
    public void revoked(Collection<String> sources) {
        LOG.info("No longer receiving from {}", sources);
    }

    @Override
    public void recordsMissing(String partition, long expectedOffset) {
        LOG.error(
                "Records were deleted before they were received: partition={}, expectedOffset={};"
                        + " going on with the oldest that is there",
                partition,
                expectedOffset);
    }

    @Override
    public void commitFailed(Throwable cause) {
        LOG.warn("Positions were not committed; they are with the next ones, or events are delivered again", cause);
    }

    @Override
    public void outage(Throwable cause, Duration retryIn) {
        LOG.warn("Receiving failed; connecting again in {} ms", retryIn.toMillis(), cause);
    }

    @Override
    public void closedLate(Duration waited) {
        LOG.warn("Closing took too long: waited={} ms; the handler was interrupted", waited.toMillis());
    }

    @Override
    public void stopped(Throwable cause) {
        LOG.error("Receiver stopped and receives nothing more", cause);
    }
}
