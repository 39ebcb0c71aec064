package dev.outbox.consumer.kafka;

import dev.outbox.consumer.OnMalformed;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * How a {@link KafkaReceiver} receives. Immutable; start from {@link #of} and change what differs.
 *
 * <pre>{@code
 * KafkaReceiverSettings.of("localhost:9092", "inventory", List.of("orders")).withRetry(Duration.ofSeconds(1), Duration.ofMinutes(1))
 * }</pre>
 *
 * @param bootstrapServers {@code host:port}, several separated by commas
 * @param group the consumer group: its members share the partitions
 * @param topics which topics to receive, 1 to 100
 * @param fromBeginning where a group starts in a partition that it never received from: at the oldest record (default),
 *     or after the newest one that is there when it joins first
 * @param onMalformed what happens to a record that is not an event; {@link OnMalformed#RETRY} by default
 * @param retryFirst the wait before an event that failed is handled again, doubled for each further attempt; 10 ms to
 *     1 h; 2 s by default
 * @param retryMax the longest such wait, up to 1 h; 30 s by default
 * @param pollRecordsMax the most records taken from the client at once, 1 to 10,000; 100 by default
 * @param closeTimeout how long closing waits for the message that is being handled, 0 to 1 h; 20 s by default
 * @param properties further consumer properties, such as {@code security.protocol}
 */
public record KafkaReceiverSettings(
        String bootstrapServers,
        String group,
        List<String> topics,
        boolean fromBeginning,
        OnMalformed onMalformed,
        Duration retryFirst,
        Duration retryMax,
        int pollRecordsMax,
        Duration closeTimeout,
        Map<String, String> properties) {

    private static final Duration HOUR = Duration.ofHours(1);

    /**
     * Checks the ranges and copies the collections.
     *
     * @throws IllegalArgumentException if a setting is out of its bounds, or a property would weaken what the receiver
     *     promises; the text names it
     */
    public KafkaReceiverSettings {
        require(!bootstrapServers.isBlank(), "bootstrapServers", "host:port", "nothing");
        require(!group.isBlank() && group.length() <= 255, "group", "1..255 characters", group);
        require(!topics.isEmpty() && topics.size() <= 100, "topics", "1..100", topics);
        require(within(retryFirst, Duration.ofMillis(10), HOUR), "retryFirst", "10ms..1h", retryFirst);
        require(within(retryMax, retryFirst, HOUR), "retryMax", "retryFirst..1h", retryMax);
        require(pollRecordsMax >= 1 && pollRecordsMax <= 10_000, "pollRecordsMax", "1..10000", pollRecordsMax);
        require(within(closeTimeout, Duration.ZERO, HOUR), "closeTimeout", "0..1h", closeTimeout);
        for (String name : ConsumerConfigs.FIXED) {
            require(!properties.containsKey(name), "properties[" + name + "]", "set by the receiver", "given");
        }
        topics = List.copyOf(topics);
        properties = Map.copyOf(properties);
    }

    /** Defaults for one group. */
    public static KafkaReceiverSettings of(String bootstrapServers, String group, List<String> topics) {
        return new KafkaReceiverSettings(
                bootstrapServers,
                group,
                topics,
                true,
                OnMalformed.RETRY,
                Duration.ofSeconds(2),
                Duration.ofSeconds(30),
                100,
                Duration.ofSeconds(20),
                Map.of());
    }

    /** These settings with another start for partitions that the group never received from. */
    public KafkaReceiverSettings withFromBeginning(boolean fromBeginning) {
        return new KafkaReceiverSettings(
                bootstrapServers,
                group,
                topics,
                fromBeginning,
                onMalformed,
                retryFirst,
                retryMax,
                pollRecordsMax,
                closeTimeout,
                properties);
    }

    /** These settings with another fate for records that are not events. */
    public KafkaReceiverSettings withOnMalformed(OnMalformed onMalformed) {
        return new KafkaReceiverSettings(
                bootstrapServers,
                group,
                topics,
                fromBeginning,
                onMalformed,
                retryFirst,
                retryMax,
                pollRecordsMax,
                closeTimeout,
                properties);
    }

    /** These settings with other waits before an event is handled again. */
    public KafkaReceiverSettings withRetry(Duration retryFirst, Duration retryMax) {
        return new KafkaReceiverSettings(
                bootstrapServers,
                group,
                topics,
                fromBeginning,
                onMalformed,
                retryFirst,
                retryMax,
                pollRecordsMax,
                closeTimeout,
                properties);
    }

    /** These settings with another number of records taken at once. */
    public KafkaReceiverSettings withPollRecordsMax(int pollRecordsMax) {
        return new KafkaReceiverSettings(
                bootstrapServers,
                group,
                topics,
                fromBeginning,
                onMalformed,
                retryFirst,
                retryMax,
                pollRecordsMax,
                closeTimeout,
                properties);
    }

    /** These settings with another patience when closing. */
    public KafkaReceiverSettings withCloseTimeout(Duration closeTimeout) {
        return new KafkaReceiverSettings(
                bootstrapServers,
                group,
                topics,
                fromBeginning,
                onMalformed,
                retryFirst,
                retryMax,
                pollRecordsMax,
                closeTimeout,
                properties);
    }

    /** These settings with these consumer properties. */
    public KafkaReceiverSettings withProperties(Map<String, String> properties) {
        return new KafkaReceiverSettings(
                bootstrapServers,
                group,
                topics,
                fromBeginning,
                onMalformed,
                retryFirst,
                retryMax,
                pollRecordsMax,
                closeTimeout,
                properties);
    }

    /** Names no property's value: one may be a password. */
    @Override
    public String toString() {
        return "KafkaReceiverSettings[bootstrapServers=" + bootstrapServers + ", group=" + group + ", topics=" + topics
                + ", fromBeginning=" + fromBeginning + ", onMalformed=" + onMalformed + ", properties="
                + properties.keySet() + "]";
    }

    private static boolean within(Duration value, Duration least, Duration most) {
        return value.compareTo(least) >= 0 && value.compareTo(most) <= 0;
    }

    private static void require(boolean valid, String name, String limit, Object actual) {
        if (!valid) {
            throw new IllegalArgumentException(
                    "Setting refused: name=" + name + ", limit=" + limit + ", actual=" + actual);
        }
    }
}
