package dev.outbox.relay;

import java.time.Duration;

/**
 * How one channel is published.
 *
 * @param name the channel, as messages name it in their {@code channel} column
 * @param lanes how many lanes the channel is divided into when it is first served; 1 to 256
 * @param pageRowsMax the most messages that are read at once
 * @param pageBytes about how many bytes a page is meant to have; a page of one message may have more
 * @param pagesInFlightMax how many pages may be on their way through the broker
 * @param inFlightBytes about how many bytes may be on their way; one page always may
 * @param publishTimeout how long the broker may stay silent with messages in flight before that is an outage
 * @param order how far the order of a (topic, key) goes where the broker refuses a message
 * @param parking what happens to messages that cannot be published
 */
public record ChannelSettings(
        String name,
        int lanes,
        int pageRowsMax,
        long pageBytes,
        int pagesInFlightMax,
        long inFlightBytes,
        Duration publishTimeout,
        Order order,
        Parking parking) {

    /** How the messages of one (topic, key) follow each other to the broker. */
    public enum Order {
        /**
         * Many are on their way at once, in order. When the broker refuses one, those behind it may have been accepted
         * already: such an order exception is logged and counted. The default.
         */
        PIPELINED,
        /** One is on its way at a time, so that nothing overtakes it; different keys go side by side. */
        STRICT
    }

    /**
     * How often a message that the broker refuses is tried again, and how much may be parked.
     *
     * @param attemptsMax after so many refusals a message is dead until an operator retries or discards it; 1 to 100
     * @param backoff the wait before the second attempt; each further one is four times as long
     * @param backoffMax the longest wait between two attempts
     * @param rowsMax so many unresolved messages of a lane may be parked: then the lane reads no more until there are fewer
     * @param bytesMax about so many bytes of them
     */
    public record Parking(int attemptsMax, Duration backoff, Duration backoffMax, int rowsMax, long bytesMax) {

        /** Checks the ranges. */
        public Parking {
            requireRange("attempts", attemptsMax, 1, 100);
            requireRange("retry backoff in ms", backoff.toMillis(), 1, DAY_MS);
            requireRange("longest retry backoff in ms", backoffMax.toMillis(), backoff.toMillis(), DAY_MS);
            requireRange("parked messages", rowsMax, 1, 10_000_000);
            requireRange("parked bytes", bytesMax, 1024, 1L << 40);
        }

        /** Five attempts within about a minute and a half, 100,000 messages or 1 GiB. */
        public static Parking defaults() {
            return new Parking(5, Duration.ofSeconds(1), Duration.ofMinutes(5), 100_000, 1L << 30);
        }

        /** The same with other attempts. */
        public Parking withAttempts(int attemptsMax, Duration backoff) {
            Duration longest = backoffMax.compareTo(backoff) < 0 ? backoff : backoffMax;
            return new Parking(attemptsMax, backoff, longest, rowsMax, bytesMax);
        }

        /** The same with another bound on how many may be parked. */
        public Parking withRowsMax(int rowsMax) {
            return new Parking(attemptsMax, backoff, backoffMax, rowsMax, bytesMax);
        }
    }

    private static final long DAY_MS = Duration.ofDays(1).toMillis();

    /** Checks the ranges. */
    public ChannelSettings {
        if (!name.matches("[A-Za-z0-9._-]{1,63}")) {
            throw new IllegalArgumentException(
                    "Channel name is not valid: name=" + name + "; use 1 to 63 letters, digits, '.', '_' or '-'");
        }
        requireRange("lanes", lanes, 1, 256);
        requireRange("page rows", pageRowsMax, 1, 100_000);
        requireRange("page bytes", pageBytes, 1024, 1L << 30);
        requireRange("pages in flight", pagesInFlightMax, 1, 1000);
        requireRange("bytes in flight", inFlightBytes, 1024, 1L << 32);
        requireRange(
                "publish timeout in ms",
                publishTimeout.toMillis(),
                100,
                Duration.ofHours(1).toMillis());
    }

    /**
     * The defaults: one lane, pages of 1000 messages or 4 MiB, 8 pages or 32 MiB in flight, 15 s for the broker,
     * pipelined order, the usual {@link Parking#defaults}.
     */
    public static ChannelSettings of(String name) {
        return new ChannelSettings(
                name, 1, 1000, 4 << 20, 8, 32 << 20, Duration.ofSeconds(15), Order.PIPELINED, Parking.defaults());
    }

    /** The same with another number of lanes. */
    public ChannelSettings withLanes(int lanes) {
        return new ChannelSettings(
                name, lanes, pageRowsMax, pageBytes, pagesInFlightMax, inFlightBytes, publishTimeout, order, parking);
    }

    /** The same with another time that the broker may stay silent. */
    public ChannelSettings withPublishTimeout(Duration publishTimeout) {
        return new ChannelSettings(
                name, lanes, pageRowsMax, pageBytes, pagesInFlightMax, inFlightBytes, publishTimeout, order, parking);
    }

    /** The same with another order. */
    public ChannelSettings withOrder(Order order) {
        return new ChannelSettings(
                name, lanes, pageRowsMax, pageBytes, pagesInFlightMax, inFlightBytes, publishTimeout, order, parking);
    }

    /** The same with other rules for what cannot be published. */
    public ChannelSettings withParking(Parking parking) {
        return new ChannelSettings(
                name, lanes, pageRowsMax, pageBytes, pagesInFlightMax, inFlightBytes, publishTimeout, order, parking);
    }

    private static void requireRange(String what, long value, long least, long most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(
                    "Setting out of range: " + what + "=" + value + "; least=" + least + ", most=" + most);
        }
    }
}
