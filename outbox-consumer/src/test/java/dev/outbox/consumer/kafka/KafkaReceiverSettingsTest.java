package dev.outbox.consumer.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outbox.consumer.OnMalformed;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.junit.jupiter.api.Test;

class KafkaReceiverSettingsTest {

    private static final KafkaReceiverSettings DEFAULTS =
            KafkaReceiverSettings.of("localhost:9092", "inventory", List.of("orders"));

    @Test
    void losesNothingByDefault() {
        assertThat(DEFAULTS.fromBeginning()).isTrue();
        assertThat(DEFAULTS.onMalformed()).isEqualTo(OnMalformed.RETRY);
        assertThat(ConsumerConfigs.of(DEFAULTS))
                .containsEntry(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false)
                .containsEntry(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
    }

    @Test
    void refusesAPropertyThatItsPromisesStandOn() {
        assertThatThrownBy(() -> DEFAULTS.withProperties(Map.of("enable.auto.commit", "true")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("enable.auto.commit");
    }

    @Test
    void refusesWhatIsOutOfBoundsByName() {
        assertThatThrownBy(() -> KafkaReceiverSettings.of("localhost:9092", "inventory", List.of()))
                .hasMessageContaining("topics");
        assertThatThrownBy(() -> KafkaReceiverSettings.of("localhost:9092", " ", List.of("orders")))
                .hasMessageContaining("group");
        assertThatThrownBy(() -> DEFAULTS.withRetry(Duration.ofSeconds(5), Duration.ofSeconds(1)))
                .hasMessageContaining("retryMax");
        assertThatThrownBy(() -> DEFAULTS.withPollRecordsMax(0)).hasMessageContaining("pollRecordsMax");
        assertThatThrownBy(() -> DEFAULTS.withCloseTimeout(Duration.ofDays(1))).hasMessageContaining("closeTimeout");
    }

    @Test
    void showsNoPropertysValue() {
        assertThat(DEFAULTS.withProperties(Map.of("sasl.jaas.config", "secret")).toString())
                .contains("sasl.jaas.config")
                .doesNotContain("secret");
    }

    @Test
    void passesOtherPropertiesOn() {
        KafkaReceiverSettings settings = DEFAULTS.withProperties(Map.of("max.poll.interval.ms", "60000"));
        assertThat(ConsumerConfigs.of(settings)).containsEntry("max.poll.interval.ms", "60000");
        assertThat(ConsumerConfigs.handlingMax(settings)).isEqualTo(Duration.ofSeconds(30));
    }

    @Test
    void leavesTheAssignmentToTheBrokerWhereThatIsItsBusiness() {
        assertThat(ConsumerConfigs.of(DEFAULTS.withProperties(Map.of("group.protocol", "consumer"))))
                .doesNotContainKey(ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG);
    }
}
