package dev.outbox.relay.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantityTest {

    @ParameterizedTest
    @CsvSource({"200ms,PT0.2S", "10s,PT10S", "3d,PT72H", "15 m,PT15M", "500us,PT0.0005S", "0s,PT0S", "PT1M30S,PT1M30S"})
    void readsDurations(String text, Duration expected) {
        assertThat(Quantity.duration(text)).contains(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"10", "s", "-1s", "1.5s", "10 parsecs", "300000d", "999999999999999d", "PT-5S", ""})
    void knowsWhatIsNoDuration(String text) {
        assertThat(Quantity.duration(text)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"4MB,4194304", "1 kb,1024", "7B,7", "2GB,2147483648", "1TB,1099511627776"})
    void readsSizes(String text, long expected) {
        assertThat(Quantity.bytes(text)).hasValue(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"4", "4MiB", "MB", "-1MB", "999999999999999TB", ""})
    void knowsWhatIsNoSize(String text) {
        assertThat(Quantity.bytes(text)).isEmpty();
    }
}
