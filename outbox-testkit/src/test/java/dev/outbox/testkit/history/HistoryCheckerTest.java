package dev.outbox.testkit.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class HistoryCheckerTest {

    private static final Instant AT = Instant.parse("2026-01-15T10:30:00Z");
    private static final UUID FIRST = new UUID(0, 1);
    private static final UUID SECOND = new UUID(0, 2);

    private final History history = new History(Clock.systemUTC());

    @Test
    void everyCommittedMessageInOrderIsClean() {
        append(FIRST, 1, Outcome.COMMITTED);
        append(SECOND, 2, Outcome.COMMITTED);
        deliver(FIRST, 0, 10);
        deliver(SECOND, 0, 11);

        HistoryReport report = HistoryChecker.check(history).assertClean();

        assertThat(report.committed()).isEqualTo(2);
        assertThat(report.delivered()).isEqualTo(2);
        assertThat(report.duplicates()).isZero();
    }

    @Test
    void aLateDuplicateIsCountedAndNotOutOfOrder() {
        append(FIRST, 1, Outcome.COMMITTED);
        append(SECOND, 2, Outcome.COMMITTED);
        deliver(FIRST, 0, 10);
        deliver(SECOND, 0, 11);
        deliver(FIRST, 0, 12);

        assertThat(HistoryChecker.check(history).assertClean().duplicates()).isEqualTo(1);
    }

    @Test
    void aMessageNeverSeenIsLostAndTheReportSaysAllThatIsKnownOfIt() {
        history.appended(new Append(FIRST, "orders", "k", 1, Digest.NONE, 4711, AT));
        history.finished(Outcome.COMMITTED, List.of(FIRST));

        HistoryReport report = HistoryChecker.check(history);

        assertThat(report.lost()).isEqualTo(1);
        assertThat(report.toString()).contains("committed=1", "LOST=1").doesNotContain("\n");
        assertThatThrownBy(report::assertClean)
                .isInstanceOf(AssertionError.class)
                .hasMessageContainingAll(FIRST.toString(), "key=k", "position=1", "xid=4711", "appendedAt=" + AT);
    }

    @Test
    void rolledBackAndUnheardOfMessagesArePhantoms() {
        append(FIRST, 1, Outcome.ROLLED_BACK);
        deliver(FIRST, 0, 10);
        deliver(SECOND, 0, 11);

        HistoryReport report = HistoryChecker.check(history);

        assertThat(report.phantom()).isEqualTo(2);
        assertThat(report.lost()).isZero();
    }

    @Test
    void anEarlierPositionSeenLaterIsOutOfOrder() {
        append(FIRST, 1, Outcome.COMMITTED);
        append(SECOND, 2, Outcome.COMMITTED);
        deliver(SECOND, 3, 10);
        history.delivered(delivery(FIRST, "k", 3, 11).withSeq(99));

        HistoryReport report = HistoryChecker.check(history);

        assertThat(report.violations()).isEqualTo(Map.of(Violation.Kind.OUT_OF_ORDER, 1L));
        assertThat(report.describe()).contains("after position=2", "partition=3, offset=11", "seq=99");
    }

    @Test
    void unorderedMessagesAreNeverOutOfOrder() {
        append(FIRST, Append.UNORDERED, Outcome.COMMITTED);
        append(SECOND, Append.UNORDERED, Outcome.COMMITTED);
        deliver(SECOND, 0, 10);
        deliver(FIRST, 1, 10);

        HistoryChecker.check(history).assertClean();
    }

    @Test
    void aKeyInTwoPartitionsIsScattered() {
        append(FIRST, 1, Outcome.COMMITTED);
        append(SECOND, 2, Outcome.COMMITTED);
        deliver(FIRST, 0, 10);
        deliver(SECOND, 1, 10);

        assertThat(HistoryChecker.check(history).violations()).isEqualTo(Map.of(Violation.Kind.SCATTERED, 1L));
    }

    @Test
    void changedContentsAndAChangedKeyAreCorrupted() {
        append(FIRST, 1, Outcome.COMMITTED);
        append(SECOND, 2, Outcome.COMMITTED);
        history.delivered(Delivery.of(FIRST, "orders", "k", bytes("changed"), 0, 10, AT));
        history.delivered(delivery(SECOND, "another", 0, 11));

        assertThat(HistoryChecker.check(history).violations()).isEqualTo(Map.of(Violation.Kind.CORRUPTED, 2L));
    }

    @Test
    void aPositionCommittedTwiceIsReported() {
        append(FIRST, 1, Outcome.COMMITTED);
        append(SECOND, 1, Outcome.COMMITTED);
        deliver(FIRST, 0, 10);
        deliver(SECOND, 0, 11);

        assertThat(HistoryChecker.check(history).violations()).isEqualTo(Map.of(Violation.Kind.REPEATED_POSITION, 1L));
    }

    @Test
    void unknownOutcomesAreResolvedEachWayAndUnresolvedOnesAreNotClean() {
        UUID silent = new UUID(0, 3);
        append(FIRST, 1, Outcome.UNKNOWN);
        append(SECOND, 2, Outcome.UNKNOWN);
        history.appended(Append.of(silent, "orders", "k", 2, bytes("payload"), AT));
        assertThat(HistoryChecker.check(history).count(Violation.Kind.UNRESOLVED))
                .isEqualTo(3);

        Map<Outcome, Integer> settled = history.resolve(unknown -> {
            assertThat(unknown).containsExactlyInAnyOrder(FIRST, SECOND, silent);
            return Set.of(FIRST, new UUID(9, 9));
        });
        deliver(FIRST, 0, 10);

        assertThat(settled).isEqualTo(Map.of(Outcome.COMMITTED, 1, Outcome.ROLLED_BACK, 2));
        HistoryReport report = HistoryChecker.check(history).assertClean();
        assertThat(report.unknownCommitted()).isEqualTo(1);
        assertThat(report.unknownRolledBack()).isEqualTo(2);
    }

    @Test
    void theNumberOfExamplesIsBounded() {
        for (int i = 1; i <= 50; i++) {
            append(new UUID(1, i), i, Outcome.COMMITTED);
        }
        HistoryReport report = HistoryChecker.check(history, 3);

        assertThat(report.lost()).isEqualTo(50);
        assertThat(report.examples()).extracting(Violation::position).containsExactly(1L, 2L, 3L);
    }

    @Test
    void contradictoryRecordsAreRefused() {
        append(FIRST, 1, Outcome.COMMITTED);

        assertThatThrownBy(() -> append(FIRST, 2, Outcome.COMMITTED)).hasMessageContaining("Appended twice");
        assertThatThrownBy(() -> history.finished(Outcome.ROLLED_BACK, List.of(FIRST)))
                .hasMessageContaining("Two outcomes");
        assertThatThrownBy(() -> Append.of(SECOND, "orders", null, 1, bytes("p"), AT))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void waitingEndsWithTheLastDeliveryOrWithTheTime() throws Exception {
        append(FIRST, 1, Outcome.COMMITTED);
        append(SECOND, 2, Outcome.COMMITTED);
        deliver(FIRST, 0, 10);

        assertThat(history.awaitDelivered(List.of(FIRST), Duration.ZERO)).isTrue();
        assertThat(history.awaitDrained(Duration.ofMillis(1))).isFalse();
        CompletableFuture<Boolean> drained =
                CompletableFuture.supplyAsync(() -> history.awaitDrained(Duration.ofSeconds(30)));
        deliver(SECOND, 0, 11);
        assertThat(drained.get(30, TimeUnit.SECONDS)).isTrue();
        assertThat(history.awaitProgress(0, Duration.ZERO)).isTrue();
        deliver(SECOND, 0, 12);
        assertThat(history.awaitProgress(1, Duration.ofMillis(1))).isFalse();
        assertThat(history.awaitQuiet(Duration.ofMillis(5), Duration.ofSeconds(30)))
                .isTrue();
        assertThat(history.awaitQuiet(Duration.ofHours(1), Duration.ofMillis(1)))
                .isFalse();
    }

    private void append(UUID id, long position, Outcome outcome) {
        history.appended(Append.of(id, "orders", "k", position, bytes("payload"), AT));
        history.finished(outcome, List.of(id));
    }

    private void deliver(UUID id, int partition, long offset) {
        history.delivered(delivery(id, "k", partition, offset));
    }

    private static Delivery delivery(UUID id, String key, int partition, long offset) {
        return Delivery.of(id, "orders", key, bytes("payload"), partition, offset, AT);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
