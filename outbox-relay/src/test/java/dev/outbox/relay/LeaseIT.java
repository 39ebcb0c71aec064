package dev.outbox.relay;

import static dev.outbox.relay.Patience.await;
import static dev.outbox.relay.RelayFixture.append;
import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outbox.relay.broker.Failure;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import dev.outbox.testkit.TopicReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OutboxServers.class)
class LeaseIT {

    private static final Duration LENGTH = Duration.ofMinutes(5);

    private final RelayFixture fixture;
    private final String topic = KafkaServer.uniqueTopic("lease");

    LeaseIT(TestDatabase database, KafkaServer kafka) {
        fixture = new RelayFixture(database, kafka);
    }

    @BeforeEach
    void emptyOutbox() throws SQLException {
        fixture.reset();
    }

    @Test
    void aLaneHasOneOwnerUntilItIsReleasedOrItsLeaseEnds() throws SQLException {
        try (LaneLeases first = leases("first");
                LaneLeases second = leases("second");
                Connection connection = fixture.connect()) {
            first.createLanes(ChannelSettings.of("default"));
            Lease lease = first.acquire(List.of("default")).get(0);
            assertThat(second.acquire(List.of("default"))).isEmpty();
            assertThat(lease.valid()).isTrue();

            first.release(lease);
            Lease taken = second.acquire(List.of("default")).get(0);
            assertThat(taken.epoch()).isEqualTo(lease.epoch() + 1);

            try (Statement statement = connection.createStatement()) {
                statement.execute("UPDATE lane SET lease_until = clock_timestamp() - interval '1 ms'");
            }
            assertThat(first.acquire(List.of("default"))).hasSize(1);
            second.renew(taken);
            assertThat(taken.valid()).as("lease that was lost").isFalse();
        }
    }

    @Test
    void twoRelaysThatDifferInTheNumberOfLanesDoNotMixThem() throws SQLException {
        try (LaneLeases first = leases("first");
                LaneLeases second = leases("second")) {
            assertThat(first.createLanes(ChannelSettings.of("default").withLanes(2)))
                    .isEqualTo(2);
            assertThat(second.createLanes(ChannelSettings.of("default").withLanes(5)))
                    .isEqualTo(2);
            assertThat(second.acquire(List.of("default"))).hasSize(2);
        }
    }

    @Test
    void aRelayThatLostItsLaneWritesNothing() throws SQLException {
        try (LaneLeases first = leases("first");
                Connection connection = fixture.connect()) {
            first.createLanes(ChannelSettings.of("default"));
            append(connection, topic, "k", "1");
            Lease lease = first.acquire(List.of("default")).get(0);
            Cluster here = Cluster.of(connection);
            Checkpoint none = CheckpointStore.load(connection, lease.lane(), here);
            CheckpointStore store = new CheckpointStore(connection, lease, ChannelSettings.Parking.defaults());
            Checkpoint written = store.append(none, Position.START, new Progress());
            assertThat(written.no()).isEqualTo(1);

            try (Statement statement = connection.createStatement()) {
                statement.execute("UPDATE lane SET epoch = epoch + 1");
            }
            Progress progress = new Progress();
            progress.parkings().add(Parking.refused(1, new Failure(Failure.Kind.MESSAGE, "Test", "test")));
            assertThatThrownBy(() -> store.append(written, Position.START, progress))
                    .isInstanceOf(FencedException.class)
                    .hasMessageContaining("lane=default/0");
            assertThat(number(connection, "SELECT count(*) FROM checkpoint")).isEqualTo(1);
            assertThat(number(connection, "SELECT count(*) FROM parked")).isZero();
        }
    }

    @Test
    void twoWritersOfOneCheckpointNumberCollide() throws SQLException {
        try (LaneLeases first = leases("first");
                Connection connection = fixture.connect()) {
            first.createLanes(ChannelSettings.of("default"));
            Lease lease = first.acquire(List.of("default")).get(0);
            Checkpoint none = CheckpointStore.load(connection, lease.lane(), Cluster.of(connection));
            CheckpointStore store = new CheckpointStore(connection, lease, ChannelSettings.Parking.defaults());
            store.append(none, Position.START, new Progress());
            assertThatThrownBy(() -> store.append(none, Position.START, new Progress()))
                    .isInstanceOf(FencedException.class);
        }
    }

    @Test
    void theNextRelayTakesOverAtOnceFromOneThatStops() throws SQLException {
        RelaySettings longLease = RelaySettings.defaults().withLease(Duration.ofMinutes(5));
        try (Connection writer = fixture.connect();
                TopicReader reader = fixture.read(topic)) {
            Relay first = fixture.relay(longLease, ChannelSettings.of("default"));
            append(writer, topic, "k", "1");
            reader.await(1);
            try (Relay second = fixture.relay(longLease, ChannelSettings.of("default"))) {
                await().until(() -> number(writer, "SELECT count(*) FROM relay") == 2);
                first.close();
                append(writer, topic, "k", "2");
                assertThat(reader.await(2)).hasSize(2);
                assertThat(number(writer, "SELECT max(epoch) FROM lane")).isEqualTo(2);
                assertThat(second.stopped()).isNotDone();
            }
            assertThat(number(writer, "SELECT count(*) FROM relay")).isZero();
        }
    }

    @Test
    void aCheckpointOfAnotherClusterStopsTheRelay() throws SQLException {
        try (Connection writer = fixture.connect();
                Statement statement = writer.createStatement()) {
            Relay first = fixture.relay();
            await().until(() -> number(writer, "SELECT count(*) FROM checkpoint") > 0);
            first.close();
            statement.execute("UPDATE checkpoint SET system_identifier = system_identifier + 1");
            try (Relay second = fixture.relay()) {
                assertThatThrownBy(() -> second.stopped().join())
                        .hasCauseInstanceOf(ForeignPositionException.class)
                        .hasMessageContaining("outbox rebase");
            }
            statement.execute("UPDATE checkpoint SET system_identifier = system_identifier - 1");
            statement.execute("UPDATE checkpoint SET snapshot = '4000000000:4000000000:'");
            try (Relay third = fixture.relay()) {
                assertThatThrownBy(() -> third.stopped().join())
                        .hasMessageContaining("behind the saved position")
                        .hasMessageContaining("outbox rebase");
            }
        }
    }

    private LaneLeases leases(String relay) throws SQLException {
        return new LaneLeases(fixture.database().open("test", LENGTH), relay, LENGTH);
    }
}
