package dev.outbox.testkit.history.workload;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;

/**
 * What a workload does.
 *
 * @param writers threads, each with a connection of its own
 * @param keys how many there are
 * @param hotKeys the first few of them, which get a fifth of all transactions and make the writers wait for each other
 * @param weights how often each shape comes, relative to the others; a shape without a weight never comes
 * @param commitsPerSecondMax the writers' common pace, including transactions that will be rolled back
 * @param holdMin how long a {@link Shape#LONG} transaction stays open, at least
 * @param holdMax and at most
 * @param payloadBytes about the length of each payload
 * @param topic of every message
 * @param schema of the workload's own tables, which it makes
 * @param seed of every random choice; what the threads make of it together still differs from run to run
 */
public record WorkloadSettings(
        int writers,
        int keys,
        int hotKeys,
        Map<Shape, Integer> weights,
        int commitsPerSecondMax,
        Duration holdMin,
        Duration holdMax,
        int payloadBytes,
        String topic,
        String schema,
        long seed) {

    /** @throws IllegalArgumentException when a number is out of its range or no shape has a weight */
    public WorkloadSettings {
        weights = Map.copyOf(weights);
        require(writers >= 1 && writers <= 500, "writers", writers, "1 to 500");
        require(hotKeys >= 1 && hotKeys < keys, "hotKeys", hotKeys, "at least 1, fewer than keys");
        require(commitsPerSecondMax >= 1, "commitsPerSecondMax", commitsPerSecondMax, "at least 1");
        require(!holdMin.isNegative() && holdMin.compareTo(holdMax) <= 0, "holdMin", holdMin, "0 to holdMax");
        require(payloadBytes >= 0 && payloadBytes <= 1_000_000, "payloadBytes", payloadBytes, "0 to 1000000");
        require(weights.values().stream().allMatch(w -> w >= 0), "weights", weights, "0 or more");
        require(weights.values().stream().anyMatch(w -> w > 0), "weights", weights, "one above 0");
        Accounts.validated(schema);
    }

    /**
     * 16 writers, 2,000 keys of which 8 are hot, at most 500 transactions a second, of which 3 in a thousand stay open
     * for 1 to 5 seconds; payloads of 200 bytes; topic {@code orders}, schema {@code workload}.
     */
    public static WorkloadSettings defaults() {
        Map<Shape, Integer> weights = new EnumMap<>(Shape.class);
        weights.put(Shape.ROW_LOCK, 397);
        weights.put(Shape.EARLY_XID, 150);
        weights.put(Shape.MULTI_KEY, 100);
        weights.put(Shape.ROLLBACK, 80);
        weights.put(Shape.SAVEPOINT, 100);
        weights.put(Shape.LONG, 3);
        weights.put(Shape.SEVERAL, 80);
        weights.put(Shape.VERSION_CHECK, 90);
        return new WorkloadSettings(
                16, 2_000, 8, weights, 500, Duration.ofSeconds(1), Duration.ofSeconds(5), 200, "orders", "workload", 1);
    }

    /** With this many writers. */
    public WorkloadSettings withWriters(int number) {
        return new WorkloadSettings(
                number,
                keys,
                hotKeys,
                weights,
                commitsPerSecondMax,
                holdMin,
                holdMax,
                payloadBytes,
                topic,
                schema,
                seed);
    }

    /** With this many keys, so many of them hot. */
    public WorkloadSettings withKeys(int all, int hot) {
        return new WorkloadSettings(
                writers, all, hot, weights, commitsPerSecondMax, holdMin, holdMax, payloadBytes, topic, schema, seed);
    }

    /** With another weight for one shape. */
    public WorkloadSettings withWeight(Shape shape, int weight) {
        Map<Shape, Integer> changed = new EnumMap<>(weights);
        changed.put(shape, weight);
        return new WorkloadSettings(
                writers,
                keys,
                hotKeys,
                changed,
                commitsPerSecondMax,
                holdMin,
                holdMax,
                payloadBytes,
                topic,
                schema,
                seed);
    }

    /** With another pace. */
    public WorkloadSettings withCommitsPerSecondMax(int pace) {
        return new WorkloadSettings(
                writers, keys, hotKeys, weights, pace, holdMin, holdMax, payloadBytes, topic, schema, seed);
    }

    /** With other times for long transactions. */
    public WorkloadSettings withHold(Duration least, Duration most) {
        return new WorkloadSettings(
                writers, keys, hotKeys, weights, commitsPerSecondMax, least, most, payloadBytes, topic, schema, seed);
    }

    /** With another topic. */
    public WorkloadSettings withTopic(String name) {
        return new WorkloadSettings(
                writers,
                keys,
                hotKeys,
                weights,
                commitsPerSecondMax,
                holdMin,
                holdMax,
                payloadBytes,
                name,
                schema,
                seed);
    }

    /** With another seed. */
    public WorkloadSettings withSeed(long number) {
        return new WorkloadSettings(
                writers,
                keys,
                hotKeys,
                weights,
                commitsPerSecondMax,
                holdMin,
                holdMax,
                payloadBytes,
                topic,
                schema,
                number);
    }

    private static void require(boolean holds, String name, Object value, String range) {
        if (!holds) {
            throw new IllegalArgumentException(
                    "Workload setting out of range: " + name + "=" + value + ", allowed: " + range);
        }
    }
}
