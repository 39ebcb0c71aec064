package dev.outbox.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class OptionsTest {

    private static final PostgresOptions POSTGRES = PostgresOptions.defaults();
    private static final KafkaOptions KAFKA = KafkaOptions.defaults();

    @Test
    void onlyAServerOfOnesOwnMeetsSpecialWishes() {
        assertThat(POSTGRES.withVersion(PostgresOptions.ANY_VERSION).externalRefusal())
                .isEmpty();
        assertThat(POSTGRES.withVersion(14).externalRefusal()).hasValue("version 14");
        assertThat(POSTGRES.withSetting("work_mem", "4MB").externalRefusal()).isPresent();
        assertThat(POSTGRES.withSetting("work_mem", "4MB").dockerRefusal()).isEmpty();
        assertThat(POSTGRES.withDirectory(Path.of("kept")).dockerRefusal()).isPresent();
        assertThat(POSTGRES.asNativeOnly().dockerRefusal()).hasValue("a native process");
        assertThat(KAFKA.externalRefusal()).isEmpty();
        assertThat(KAFKA.withPartitions(3).externalRefusal()).isPresent();
        assertThat(KAFKA.withPartitions(3).dockerRefusal()).isEmpty();
        assertThat(KAFKA.withAdvertisedPort(1234).dockerRefusal()).hasValue("the advertised port 1234");
        assertThat(KAFKA.withJvmOptions("-Xmx1g").dockerRefusal()).isPresent();
    }

    @Test
    void refusesWhatCannotBe() {
        assertThatThrownBy(() -> POSTGRES.withPort(70_000)).hasMessageContaining("port=70000");
        assertThatThrownBy(() -> POSTGRES.withSetting("a = b", "c")).hasMessageContaining("a = b");
        assertThatThrownBy(() -> KAFKA.withAdvertisedPort(-1)).hasMessageContaining("advertisedPort=-1");
    }

    @Test
    void databaseNamesAreWordsOfTheClassAndDiffer() {
        String name = OutboxServers.databaseName(OptionsTest.class);
        assertThat(name)
                .matches("options_test_[0-9a-f]{8}")
                .isNotEqualTo(OutboxServers.databaseName(OptionsTest.class));
    }
}
