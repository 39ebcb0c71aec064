package dev.outbox.consumer.kafka;

import static dev.outbox.consumer.kafka.ReceiverFixture.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.consumer.EffectTable;
import dev.outbox.consumer.EventHandlers;
import dev.outbox.consumer.RecordingListener;
import dev.outbox.testkit.KafkaOptions;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.PostgresOptions;
import dev.outbox.testkit.PostgresServer;
import dev.outbox.testkit.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OutboxServers.class)
class KafkaReceiverOutageIT {

    private final RecordingListener listener = new RecordingListener();

    @Test
    void waitsForADatabaseThatIsAway(KafkaServer kafka) throws Exception {
        try (PostgresServer postgres =
                        PostgresServer.start(PostgresOptions.defaults().asNativeOnly());
                ReceiverFixture fixture = new ReceiverFixture(postgres.createDatabase("stock"), kafka, 1);
                KafkaReceiver receiver = start(fixture)) {
            fixture.produce(0, "a");
            await().until(() -> fixture.committed(0) == 1);
            postgres.kill();
            fixture.produce(0, "b");
            await().until(() -> listener.heard().contains("failed b 2"));
            postgres.restart();
            await().until(() -> fixture.committed(0) == 2);
            assertThat(fixture.effects()).containsExactly("a", "b");
            assertThat(receiver.stopped()).isNotDone();
        }
    }

    @Test
    void goesOnWhenTheBrokerIsBack(TestDatabase database) throws Exception {
        try (KafkaServer kafka = KafkaServer.start(KafkaOptions.defaults().asNativeOnly());
                ReceiverFixture fixture = new ReceiverFixture(database, kafka, 1);
                KafkaReceiver receiver = start(fixture)) {
            fixture.produce(0, "a");
            await().until(() -> fixture.committed(0) == 1);
            kafka.kill();
            kafka.restart();
            fixture.produce(0, "b");
            await().until(() -> fixture.committed(0) == 2);
            assertThat(fixture.effects()).containsExactly("a", "b");
            assertThat(receiver.stopped()).isNotDone();
        }
    }

    private KafkaReceiver start(ReceiverFixture fixture) {
        return KafkaReceiver.start(
                fixture.settings(),
                fixture.inbox(),
                EventHandlers.of(fixture.topic()).on("thing.happened", EffectTable::record),
                listener);
    }
}
