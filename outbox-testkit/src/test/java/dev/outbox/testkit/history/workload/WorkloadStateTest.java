package dev.outbox.testkit.history.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outbox.testkit.history.workload.WorkloadState.Count;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class WorkloadStateTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final WorkloadState state = new WorkloadState(1);

    @Test
    void aCommitBetweenRollbacksBeginsTheirCountAnew() {
        state.count(Count.ROLLBACK);
        state.count(Count.ROLLBACK);
        assertThat(state.awaitRollbacksInARow(2, Duration.ZERO)).isTrue();
        state.count(Count.COMMIT);
        state.count(Count.ROLLBACK);

        assertThat(state.awaitRollbacksInARow(2, Duration.ofMillis(1))).isFalse();
        assertThat(state.counts()).isEqualTo(new WorkloadCounts(1, 3, 0, 0, 0, 0));
    }

    @Test
    void whoeverWaitsGoesOnWhenTheWorkloadEnds() throws Exception {
        CompletableFuture<Void> held = CompletableFuture.runAsync(() -> state.hold(Duration.ofHours(1)));
        CompletableFuture<Void> paced = CompletableFuture.runAsync(() -> {
            for (int i = 0; i < 10_000; i++) {
                state.pace();
            }
        });
        CompletableFuture<Boolean> commits = CompletableFuture.supplyAsync(() -> state.awaitCommits(1, PATIENCE));

        state.fail(new IllegalStateException("first"));
        state.fail(new IllegalStateException("second"));

        CompletableFuture.allOf(held, paced, commits).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        assertThat(commits.get()).isFalse();
        assertThat(state.goesOn()).isFalse();
        assertThat(state.failure())
                .hasValueSatisfying(cause -> assertThat(cause).hasMessage("first"));
    }

    @Test
    void settingsOutOfRangeAreRefusedByName() {
        WorkloadSettings defaults = WorkloadSettings.defaults();

        assertThat(defaults.weights().values().stream().mapToInt(w -> w).sum()).isEqualTo(1_000);
        assertThatThrownBy(() -> defaults.withWriters(0)).hasMessageContaining("writers=0");
        assertThatThrownBy(() -> defaults.withKeys(5, 5)).hasMessageContaining("hotKeys=5");
        assertThatThrownBy(() -> defaults.withHold(Duration.ofSeconds(2), Duration.ofSeconds(1)))
                .hasMessageContaining("holdMin=PT2S");
        assertThatThrownBy(() -> Accounts.validated("Robert'); drop")).hasMessageContaining("schema=");
        assertThat(defaults.withWeight(Shape.LONG, 0).weights()).containsEntry(Shape.LONG, 0);
    }
}
