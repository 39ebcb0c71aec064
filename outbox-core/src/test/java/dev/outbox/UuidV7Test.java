package dev.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class UuidV7Test {

    @Test
    void hasTheVersionTheVariantAndTheTimeOfRfc9562() {
        long before = System.currentTimeMillis();
        UUID id = UuidV7.next();
        assertThat(id.version()).isEqualTo(7);
        assertThat(id.variant()).isEqualTo(2);
        assertThat(id.getMostSignificantBits() >>> 16).isBetween(before, System.currentTimeMillis() + 1);
    }

    @Test
    void growsWithinAMillisecondAndWhenTheClockIsSetBack() {
        AtomicLong clock = new AtomicLong(1_700_000_000_000L);
        UuidV7 generator = new UuidV7(clock::get, new SecureRandom());
        List<UUID> ids = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            ids.add(generator.generate());
            if (i == 9_000) {
                clock.addAndGet(-60_000);
            }
        }
        assertThat(ids).isSorted().doesNotHaveDuplicates().allMatch(id -> id.version() == 7 && id.variant() == 2);
        assertThat(ids.get(0).getMostSignificantBits() >>> 16).isEqualTo(1_700_000_000_000L);
        assertThat(ids.get(9_999).getMostSignificantBits() >>> 16).isEqualTo(1_700_000_000_002L);
    }

    @Test
    void growsForEveryThreadAndRepeatsForNone() throws Exception {
        int threads = 4;
        int each = 100_000;
        CyclicBarrier barrier = new CyclicBarrier(threads);
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try {
            List<Future<List<UUID>>> futures = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                futures.add(executor.submit(() -> {
                    barrier.await();
                    List<UUID> ids = new ArrayList<>(each);
                    for (int i = 0; i < each; i++) {
                        ids.add(UuidV7.next());
                    }
                    return ids;
                }));
            }
            Set<UUID> all = new HashSet<>();
            for (Future<List<UUID>> future : futures) {
                List<UUID> ids = future.get();
                assertThat(ids).isSorted();
                all.addAll(ids);
            }
            assertThat(all).hasSize(threads * each);
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void differsBetweenGeneratorsOfTheSameTick() {
        Set<UUID> ids = new HashSet<>();
        for (int i = 0; i < 1000; i++) {
            ids.add(new UuidV7(() -> 1L, new SecureRandom()).generate());
        }
        assertThat(ids).hasSize(1000);
    }
}
