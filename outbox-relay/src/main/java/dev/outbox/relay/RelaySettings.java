package dev.outbox.relay;

import java.lang.management.ManagementFactory;
import java.time.Duration;

/**
 * What concerns the relay as a whole; what concerns one channel is in {@link ChannelSettings}.
 *
 * @param name how people know the relay; each start adds what makes it unique among all
 * @param lease how long a lane stays with a relay that is not heard of; renewed at a third of it
 * @param checkpointInterval how often a busy lane writes its position
 * @param pollMin how long to wait for the next look after work was found
 * @param pollMax how long to wait for the next look when there has been nothing for a while
 * @param shutdownTimeout how long a stop waits for the broker's answers
 * @param segments when segments are rotated and emptied
 */
public record RelaySettings(
        String name,
        Duration lease,
        Duration checkpointInterval,
        Duration pollMin,
        Duration pollMax,
        Duration shutdownTimeout,
        SegmentSettings segments) {

    /**
     * When segments are rotated and emptied.
     *
     * @param retention how long a closed segment is kept after its last message could have been appended
     * @param rotateAfter the age at which a segment is closed
     * @param bytesMax the size at which a segment is closed
     * @param checkInterval how often to look
     */
    public record SegmentSettings(Duration retention, Duration rotateAfter, long bytesMax, Duration checkInterval) {

        /** Keeps three days: a segment is closed after a day or at 4 GiB. */
        public static SegmentSettings defaults() {
            return ofRetention(Duration.ofDays(3));
        }

        /** Keeps closed segments for this long and closes them at a third of it. */
        public static SegmentSettings ofRetention(Duration retention) {
            return new SegmentSettings(retention, retention.dividedBy(3), 4L << 30, Duration.ofSeconds(1));
        }

        /** The same, looking more or less often. */
        public SegmentSettings withCheckInterval(Duration checkInterval) {
            return new SegmentSettings(retention, rotateAfter, bytesMax, checkInterval);
        }

        /** The same with another size at which a segment is closed. */
        public SegmentSettings withBytesMax(long bytesMax) {
            return new SegmentSettings(retention, rotateAfter, bytesMax, checkInterval);
        }

        /** The same with another age at which a segment is closed. */
        public SegmentSettings withRotateAfter(Duration rotateAfter) {
            return new SegmentSettings(retention, rotateAfter, bytesMax, checkInterval);
        }
    }

    /** Checks the ranges. */
    public RelaySettings {
        if (!name.matches("[!-~]{1,200}")) {
            throw new IllegalArgumentException(
                    "Relay name is not valid: name=" + name + "; use 1 to 200 visible ASCII characters");
        }
        if (lease.compareTo(Duration.ofMillis(500)) < 0) {
            throw new IllegalArgumentException("Lease is too short: lease=" + lease + "; least=PT0.5S");
        }
        if (pollMin.compareTo(pollMax) > 0) {
            throw new IllegalArgumentException(
                    "Shortest wait is above the longest: pollMin=" + pollMin + ", pollMax=" + pollMax);
        }
    }

    /** The defaults: a lease of 10 s, checkpoints every 200 ms, looks every 1 to 10 ms, 20 s for a stop. */
    public static RelaySettings defaults() {
        return new RelaySettings(
                ManagementFactory.getRuntimeMXBean().getName(), // pid@host on every JVM we know of
                Duration.ofSeconds(10),
                Duration.ofMillis(200),
                Duration.ofMillis(1),
                Duration.ofMillis(10),
                Duration.ofSeconds(20),
                SegmentSettings.defaults());
    }

    /** The same with another lease. */
    public RelaySettings withLease(Duration lease) {
        return new RelaySettings(name, lease, checkpointInterval, pollMin, pollMax, shutdownTimeout, segments);
    }

    /** The same with another rule for segments. */
    public RelaySettings withSegments(SegmentSettings segments) {
        return new RelaySettings(name, lease, checkpointInterval, pollMin, pollMax, shutdownTimeout, segments);
    }

    /** The same under another name. */
    public RelaySettings withName(String name) {
        return new RelaySettings(name, lease, checkpointInterval, pollMin, pollMax, shutdownTimeout, segments);
    }
}
