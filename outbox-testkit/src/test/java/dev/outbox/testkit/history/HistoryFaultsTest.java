package dev.outbox.testkit.history;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One fault put into a random history is always found, and nothing is found in one without. */
class HistoryFaultsTest {

    private static final int SEEDS = 300;
    private static final int KEYS_MAX = 8;
    private static final Instant AT = Instant.parse("2026-01-15T10:30:00Z");

    private enum Fault {
        DROP,
        SWAP,
        PHANTOM_ROLLED_BACK,
        PHANTOM_INVENTED,
        CORRUPT
    }

    /** What writers did, and the deliveries of a correct relay in a random interleaving of its keys. */
    private static final class Run {
        private final Random random;
        private final History history = new History(Clock.systemUTC());
        private final List<Append> appends = new ArrayList<>();
        private final List<Append> rolledBack = new ArrayList<>();
        private final List<Append> deliveries = new ArrayList<>();
        private final Set<UUID> corrupted = new HashSet<>();

        Run(long seed, int keys, int messages) {
            random = new Random(seed);
            Map<String, Long> positions = new HashMap<>();
            Map<String, List<Append>> pending = new HashMap<>();
            for (int i = 0; i < messages; i++) {
                String key = "k" + random.nextInt(keys);
                long position = positions.merge(key, 1L, Long::sum);
                UUID id = new UUID(random.nextLong(), i);
                Append append = Append.of(id, "orders", key, position, payload(id), AT);
                appends.add(append);
                history.appended(append);
                boolean commits = random.nextInt(4) > 0;
                history.finished(commits ? Outcome.COMMITTED : Outcome.ROLLED_BACK, List.of(id));
                if (commits) {
                    pending.computeIfAbsent(key, k -> new ArrayList<>()).add(append);
                } else {
                    positions.merge(key, -1L, Long::sum);
                    rolledBack.add(append);
                }
            }
            List<List<Append>> queues = new ArrayList<>(pending.values());
            while (!queues.isEmpty()) {
                List<Append> queue = queues.get(random.nextInt(queues.size()));
                deliveries.add(queue.remove(0));
                queues.removeIf(List::isEmpty);
            }
        }

        /** A relay that died repeats a stretch of what it had sent. */
        int repeatStretch() {
            int from = random.nextInt(deliveries.size());
            int to = Math.min(deliveries.size(), from + 1 + random.nextInt(5));
            deliveries.addAll(to, List.copyOf(deliveries.subList(from, to)));
            return to - from;
        }

        HistoryReport report() {
            for (int i = 0; i < deliveries.size(); i++) {
                Append append = deliveries.get(i);
                byte[] payload = payload(corrupted.contains(append.id()) ? new UUID(0, 0) : append.id());
                history.delivered(Delivery.of(append.id(), append.topic(), append.key(), payload, 0, i, AT));
            }
            return HistoryChecker.check(history, Integer.MAX_VALUE);
        }
    }

    @Test
    void aHistoryWithoutFaultsIsCleanAndItsDuplicatesAreCounted() {
        LongStream.range(0, SEEDS).forEach(HistoryFaultsTest::checkCleanHistory);
    }

    private static void checkCleanHistory(long seed) {
        Run run = new Run(seed, keys(seed), 100);
        int repeated = 0;
        for (int i = 0; i < seed % 6; i++) {
            repeated += run.repeatStretch();
        }

        HistoryReport report = run.report().assertClean();

        assertThat(report.duplicates()).isEqualTo(repeated);
        assertThat(report.appended()).isEqualTo(run.appends.size());
        assertThat(report.rolledBack()).isEqualTo(run.rolledBack.size());
        assertThat(report.committed()).isEqualTo(report.delivered()).isEqualTo(100L - run.rolledBack.size());
    }

    @ParameterizedTest
    @EnumSource
    void aFaultIsFoundAndNothingElse(Fault fault) {
        LongStream.range(0, SEEDS).forEach(seed -> checkFault(fault, seed));
    }

    private static void checkFault(Fault fault, long seed) {
        Run run = new Run(seed, keys(seed), 100);
        int at = run.random.nextInt(run.deliveries.size());
        UUID struck = inject(fault, run, at);

        HistoryReport report = run.report();

        Violation.Kind kind = switch (fault) {
            case DROP -> Violation.Kind.LOST;
            case SWAP -> Violation.Kind.OUT_OF_ORDER;
            case PHANTOM_ROLLED_BACK, PHANTOM_INVENTED -> Violation.Kind.PHANTOM;
            case CORRUPT -> Violation.Kind.CORRUPTED;
        };
        assertThat(report.violations().keySet())
                .as("seed %d: %s", seed, report.describe())
                .containsExactly(kind);
        assertThat(report.examples()).extracting(Violation::id).contains(struck);
    }

    private static int keys(long seed) {
        return 1 + (int) (seed % KEYS_MAX);
    }

    private static UUID inject(Fault fault, Run run, int at) {
        return switch (fault) {
            case DROP -> run.deliveries.remove(at).id();
            case SWAP -> swap(run.deliveries, at);
            case PHANTOM_ROLLED_BACK ->
                insert(run.deliveries, at, run.rolledBack.get(run.random.nextInt(run.rolledBack.size())));
            case PHANTOM_INVENTED -> {
                UUID id = new UUID(run.random.nextLong(), 1_000_000);
                yield insert(run.deliveries, at, Append.of(id, "orders", "k0", 1, payload(id), AT));
            }
            case CORRUPT -> {
                run.corrupted.add(run.deliveries.get(at).id());
                yield run.deliveries.get(at).id();
            }
        };
    }

    /** Exchanges two deliveries of one key, the first of them at {@code at} or later. */
    private static UUID swap(List<Append> deliveries, int at) {
        for (int i = 0; i < deliveries.size(); i++) {
            int from = (at + i) % deliveries.size();
            Append one = deliveries.get(from);
            for (int to = from + 1; to < deliveries.size(); to++) {
                if (Objects.equals(deliveries.get(to).key(), one.key())) {
                    deliveries.set(from, deliveries.get(to));
                    deliveries.set(to, one);
                    return one.id();
                }
            }
        }
        throw new AssertionError("No key has two messages");
    }

    private static UUID insert(List<Append> deliveries, int at, Append phantom) {
        deliveries.add(at, phantom);
        return phantom.id();
    }

    private static byte[] payload(UUID id) {
        return ("{\"id\":\"" + id + "\"}").getBytes(StandardCharsets.UTF_8);
    }
}
