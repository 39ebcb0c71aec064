package dev.outbox.testkit.history.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class FaultThreadsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration PAUSE = Duration.ofMillis(1);

    @Test
    void eachFaultStrikesUntilAllHaveStruckOftenEnough() {
        AtomicInteger strikes = new AtomicInteger();
        FaultThreads threads = FaultThreads.start(
                List.of(new Fault("a", PAUSE, 3, strikes::incrementAndGet), new Fault("b", PAUSE, 1, () -> {})),
                () -> {});
        try (threads) {
            assertThat(threads.awaitTimes(PATIENCE)).isEmpty();
        }
        assertThat(threads.times().get("a")).isGreaterThanOrEqualTo(3).isEqualTo(strikes.get());
    }

    @Test
    void whatDidNotStrikeOftenEnoughIsNamed() {
        FaultThreads threads =
                FaultThreads.start(List.of(new Fault("rare", Duration.ofHours(1), 2, () -> {})), () -> {});
        try (threads) {
            assertThat(threads.awaitTimes(Duration.ZERO)).containsExactly("rare: 0 of 2");
        }
    }

    @Test
    void endingWaitsForWhatWasBrokenToBeMended() throws InterruptedException {
        CountDownLatch broken = new CountDownLatch(1);
        CountDownLatch ending = new CountDownLatch(1);
        AtomicBoolean mended = new AtomicBoolean();
        FaultThreads threads = FaultThreads.start(
                List.of(new Fault("slow", PAUSE, 1, () -> {
                    broken.countDown();
                    await(ending);
                    mended.set(true);
                })),
                () -> {});
        assertThat(broken.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        Thread closer = new Thread(threads::close);
        closer.start();
        ending.countDown();
        closer.join(PATIENCE.toMillis());

        assertThat(mended).isTrue();
    }

    @Test
    void aFaultThatFailsEndsTheRunAndIsThrown() throws InterruptedException {
        CountDownLatch ended = new CountDownLatch(1);
        FaultThreads threads = FaultThreads.start(
                List.of(new Fault("broken", PAUSE, 1, () -> {
                    throw new IllegalStateException("cannot restart");
                })),
                ended::countDown);

        assertThat(ended.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThatThrownBy(threads::close).hasRootCauseMessage("cannot restart");
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
