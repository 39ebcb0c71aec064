package dev.outbox.consumer.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class RetriesTest {

    private static final TopicPartition P0 = new TopicPartition("orders", 0);
    private static final TopicPartition P1 = new TopicPartition("orders", 1);
    private static final Duration LONGEST = Duration.ofMinutes(1);

    private final Retries retries = new Retries(Duration.ofSeconds(2), Duration.ofSeconds(7));

    @Test
    void waitsTwiceAsLongEachTimeUpToTheMost() {
        assertThat(retries.failed(P0, 5, 0)).isEqualTo(Duration.ofSeconds(2));
        assertThat(retries.failed(P0, 5, 0)).isEqualTo(Duration.ofSeconds(4));
        assertThat(retries.failed(P0, 5, 0)).isEqualTo(Duration.ofSeconds(7));
        assertThat(retries.attempt(P0, 5)).isEqualTo(4);
    }

    @Test
    void countsEachRecordForItself() {
        retries.failed(P0, 5, 0);
        assertThat(retries.attempt(P0, 6)).isEqualTo(1);
        assertThat(retries.failed(P0, 6, 0)).isEqualTo(Duration.ofSeconds(2));
        retries.succeeded(P0);
        assertThat(retries.attempt(P0, 6)).isEqualTo(1);
    }

    @Test
    void givesAPartitionOnceWhenItIsDue() {
        retries.failed(P0, 5, 0);
        retries.failed(P1, 9, Duration.ofSeconds(1).toNanos());
        assertThat(retries.untilDue(0, LONGEST)).isEqualTo(Duration.ofSeconds(2));
        assertThat(retries.takeDue(Duration.ofSeconds(1).toNanos())).isEmpty();
        assertThat(retries.takeDue(Duration.ofSeconds(2).toNanos())).containsExactly(P0);
        assertThat(retries.takeDue(Duration.ofSeconds(2).toNanos())).isEmpty();
        assertThat(retries.takeDue(Duration.ofSeconds(3).toNanos())).containsExactly(P1);
        assertThat(retries.untilDue(Duration.ofSeconds(3).toNanos(), LONGEST)).isEqualTo(LONGEST);
    }

    @Test
    void forgetsWhatIsSomebodyElses() {
        retries.failed(P0, 5, 0);
        retries.failed(P1, 5, 0);
        retries.forget(List.of(P0));
        assertThat(retries.attempt(P0, 5)).isEqualTo(1);
        assertThat(retries.attempt(P1, 5)).isEqualTo(2);
    }
}
