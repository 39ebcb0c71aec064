package dev.outbox.consumer.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class WaitsTest {

    @Test
    void waitsTwiceAsLongEachTimeUpToTheMost() {
        Waits waits = new Waits(Duration.ofSeconds(2), Duration.ofSeconds(7));
        assertThat(waits.after(1)).isEqualTo(Duration.ofSeconds(2));
        assertThat(waits.after(2)).isEqualTo(Duration.ofSeconds(4));
        assertThat(waits.after(3)).isEqualTo(Duration.ofSeconds(7));
        assertThat(waits.after(Integer.MAX_VALUE)).isEqualTo(Duration.ofSeconds(7));
    }
}
