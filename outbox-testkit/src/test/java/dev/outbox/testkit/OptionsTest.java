package dev.outbox.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class OptionsTest {

    private static final PostgresOptions POSTGRES = PostgresOptions.defaults();
    private static final KafkaOptions KAFKA = KafkaOptions.defaults();
    private static final RabbitOptions RABBIT = RabbitOptions.defaults();

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
        assertThat(RABBIT.externalRefusal()).isEmpty();
        assertThat(RABBIT.withPort(1234).externalRefusal()).hasValue("port 1234");
        assertThat(RABBIT.withSetting("heartbeat", "5").externalRefusal()).isPresent();
        assertThat(RABBIT.withSetting("heartbeat", "5").dockerRefusal()).isEmpty();
        assertThat(RABBIT.withPlugins(RabbitOptions.MANAGEMENT).externalRefusal())
                .hasValue("plugins [rabbitmq_management]");
        assertThat(RABBIT.withDirectory(Path.of("kept")).dockerRefusal()).isPresent();
        assertThat(RABBIT.asNativeOnly().dockerRefusal()).hasValue("a native process");
    }

    @Test
    void refusesWhatCannotBe() {
        assertThatThrownBy(() -> POSTGRES.withPort(70_000)).hasMessageContaining("port=70000");
        assertThatThrownBy(() -> POSTGRES.withSetting("a = b", "c")).hasMessageContaining("a = b");
        assertThatThrownBy(() -> KAFKA.withAdvertisedPort(-1)).hasMessageContaining("advertisedPort=-1");
        assertThatThrownBy(() -> RABBIT.withPort(-1)).hasMessageContaining("port=-1");
        assertThatThrownBy(() -> RABBIT.withSetting("heartbeat", "5\nx = y")).hasMessageContaining("rabbitmq.conf");
        assertThatThrownBy(() -> RABBIT.withPlugins("a,b")).hasMessageContaining("plugin=a,b");
    }

    @Test
    void namesAreWordsOfTheClassAndDiffer() {
        String name = OutboxServers.nameFor(OptionsTest.class);
        assertThat(name).matches("options_test_[0-9a-f]{8}").isNotEqualTo(OutboxServers.nameFor(OptionsTest.class));
    }
}
