package dev.outbox.relay;

import static dev.outbox.relay.Patience.await;
import static dev.outbox.relay.RelayFixture.append;
import static dev.outbox.relay.RelayFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import dev.outbox.testkit.TopicReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OutboxServers.class)
class RelayIT {

    private final RelayFixture fixture;
    private final String topic = KafkaServer.uniqueTopic("relay");

    RelayIT(TestDatabase database, KafkaServer kafka) {
        fixture = new RelayFixture(database, kafka);
    }

    @BeforeEach
    void emptyOutbox() throws SQLException {
        fixture.reset();
    }

    /** Between the making of a lane and its first checkpoint. */
    @Test
    void everythingOfALaneWithoutACheckpointIsPending() throws SQLException {
        try (Connection connection = fixture.connect();
                Statement statement = connection.createStatement()) {
            append(connection, "pending", "k", "1");
            statement.execute("INSERT INTO lane (channel, generation, lane, lanes) VALUES ('default', 1, 0, 1)");
            assertThat(number(connection, "SELECT count(*) FROM pending WHERE lane = 0"))
                    .isEqualTo(1);
        }
    }

    @Test
    void publishesWhatIsThereAndWhatComesInOrder() throws SQLException {
        try (Connection writer = fixture.connect();
                TopicReader reader = fixture.read(topic)) {
            try (Statement many = writer.createStatement()) {
                many.execute(
                        "INSERT INTO message (topic, key, type, source, payload) SELECT '" + topic
                                + "', 'k', 'thing.happened', 'test', json_build_object('n', n) FROM generate_series(1, 5000) n");
            }
            try (Relay relay = fixture.relay()) {
                reader.await(5000);
                for (int n = 5001; n <= 5100; n++) {
                    append(writer, topic, "k", "{\"n\" : " + n + "}");
                }
                assertThat(reader.await(5100))
                        .extracting(read -> Integer.parseInt(TopicReader.header(read, "sequence")))
                        .isEqualTo(IntStream.rangeClosed(1, 5100).boxed().toList());
                assertThat(relay.stopped()).isNotDone();
            }
            assertThat(number(writer, "SELECT published FROM checkpoint ORDER BY no DESC LIMIT 1"))
                    .isEqualTo(5100);
            assertThat(number(writer, "SELECT count(*) FROM lane WHERE owner IS NULL"))
                    .isEqualTo(1);
            assertThat(number(writer, "SELECT count(*) FROM pending")).isZero();
        }
    }

    @Test
    void publishesNothingTwiceWhenItIsStoppedAndStarted() throws SQLException {
        try (Connection writer = fixture.connect();
                TopicReader reader = fixture.read(topic)) {
            for (int n = 1; n <= 5; n++) {
                append(writer, topic, "k", "{}");
                try (Relay relay = fixture.relay()) {
                    reader.await(n);
                    assertThat(relay.stopped()).isNotDone();
                }
            }
            append(writer, topic, "k", "{}");
            try (Relay relay = fixture.relay()) {
                assertThat(reader.await(6)).hasSize(6);
                assertThat(relay.stopped()).isNotDone();
            }
        }
    }

    @Test
    void wrapsAMessageInItsEnvelopeAndHeaders() throws SQLException {
        try (Connection writer = fixture.connect();
                TopicReader reader = fixture.read(topic);
                Relay relay = fixture.relay();
                Statement statement = writer.createStatement()) {
            statement.execute("""
                    INSERT INTO message (id, topic, key, type, version, occurred_at, correlation_id, causation_id, source,
                      headers, payload)
                    VALUES ('01939c6e-8c5a-7b3c-9d2e-0123456789ab', '%s', 'ключ', 'order.created', '2.1',
                      now() - interval '1 minute', 'c-1', 'c-0', 'order "service"',
                      '{"traceparent":"00-ab","instance":"i-1","environment":"test","event-id":"forged","n":[1, 2]}',
                      '{"a" : "ä\\n"}')
                    """.formatted(topic));
            var read = reader.await(1).get(0);
            assertThat(TopicReader.value(read).orElseThrow())
                    .startsWith("{\"eventId\":\"01939c6e-8c5a-7b3c-9d2e-0123456789ab\",\"eventType\":\"order.created\","
                            + "\"eventVersion\":\"2.1\",\"occurredAt\":\"")
                    .endsWith("Z\",\"correlationId\":\"c-1\",\"causationId\":\"c-0\",\"source\":{\"service\":"
                            + "\"order \\\"service\\\"\",\"instance\":\"i-1\",\"environment\":\"test\"},"
                            + "\"data\":{\"a\" : \"ä\\n\"}}");
            assertThat(new String(read.key(), java.nio.charset.StandardCharsets.UTF_8))
                    .isEqualTo("ключ");
            assertThat(TopicReader.header(read, "event-id")).isEqualTo("01939c6e-8c5a-7b3c-9d2e-0123456789ab");
            assertThat(TopicReader.header(read, "n")).isEqualTo("[1, 2]");
            assertThat(TopicReader.header(read, "traceparent")).isEqualTo("00-ab");
            assertThat(TopicReader.header(read, "content-type")).isEqualTo("application/json");
            assertThat(read.timestamp()).isLessThan(System.currentTimeMillis() - 50_000);
            assertThat(relay.stopped()).isNotDone();
        }
    }

    @Test
    void publishesBinaryContentAsItIsAndATombstoneWithoutValue() throws SQLException {
        try (Connection writer = fixture.connect();
                TopicReader reader = fixture.read(topic);
                Relay relay = fixture.relay();
                Statement statement = writer.createStatement()) {
            statement.execute("INSERT INTO message (topic, key, type, body, content_type) VALUES ('" + topic
                    + "', 'k', 'a.b', '\\x00ff', 'application/avro')");
            statement.execute("INSERT INTO message (topic, key, type) VALUES ('" + topic + "', 'k', 'a.b')");
            var read = reader.await(2);
            assertThat(read.get(0).value()).containsExactly(0, 0xff);
            assertThat(TopicReader.header(read.get(0), "content-type")).isEqualTo("application/avro");
            assertThat(read.get(1).value()).isNull();
            assertThat(relay.stopped()).isNotDone();
        }
    }

    @Test
    void skipsNothingWhenALongTransactionCommitsLate() throws SQLException {
        try (Connection writer = fixture.connect();
                Connection late = fixture.connect();
                TopicReader reader = fixture.read(topic);
                Relay relay = fixture.relay()) {
            late.setAutoCommit(false);
            append(late, topic, "late", "1");
            for (int n = 0; n < 2500; n++) {
                append(writer, topic, "k", "2");
            }
            reader.await(2500);
            append(late, topic, "late", "3");
            late.commit();
            assertThat(reader.await(2502).subList(2500, 2502))
                    .extracting(read -> TopicReader.header(read, "sequence"))
                    .containsExactly("1", "2502");
            assertThat(relay.stopped()).isNotDone();
        }
    }

    @Test
    void publishesNothingOfARolledBackTransactionOrSavepoint() throws SQLException {
        try (Connection writer = fixture.connect();
                TopicReader reader = fixture.read(topic);
                Relay relay = fixture.relay()) {
            writer.setAutoCommit(false);
            append(writer, topic, "k", "\"rolled back\"");
            writer.rollback();
            append(writer, topic, "k", "1");
            Savepoint savepoint = writer.setSavepoint();
            append(writer, topic, "k", "\"rolled back\"");
            writer.rollback(savepoint);
            append(writer, topic, "k", "2");
            writer.commit();
            append(writer, topic, "k", "3");
            writer.commit();
            assertThat(reader.await(3))
                    .extracting(read -> TopicReader.header(read, "sequence"))
                    .containsExactly("2", "4", "5");
            assertThat(relay.stopped()).isNotDone();
        }
    }

    @Test
    void parksWhatKafkaNeverTakesAndHoldsOnlyItsKey() throws SQLException {
        try (Connection writer = fixture.connect();
                TopicReader reader = fixture.read(topic);
                Relay relay = fixture.relay()) {
            append(writer, topic, "bad", "\"" + "x".repeat(2_000_000) + "\"");
            append(writer, topic, "bad", "2");
            append(writer, topic, "good", "3");
            append(writer, "no such topic!", "bad", "4");
            append(writer, topic, "good", "5");
            assertThat(reader.await(2))
                    .extracting(read -> TopicReader.header(read, "sequence"))
                    .containsExactly("3", "5");
            await().until(() -> number(writer, "SELECT count(*) FROM parked") == 3);
            assertThat(
                            number(
                                    writer,
                                    "SELECT count(*) FROM parked WHERE (seq, state) IN ((1, 'DEAD'), (2, 'HELD'), (4, 'DEAD'))"))
                    .isEqualTo(3);
            assertThat(number(writer, "SELECT held_by FROM parked WHERE seq = 2"))
                    .isEqualTo(1);
            assertThat(number(writer, "SELECT count(*) FROM attempt")).isEqualTo(2);
            assertThat(relay.stopped()).isNotDone();
        }
        // A new owner knows the held keys.
        try (Connection writer = fixture.connect();
                TopicReader reader = fixture.read(topic);
                Relay relay = fixture.relay()) {
            append(writer, topic, "bad", "6");
            append(writer, topic, "good", "7");
            assertThat(reader.await(3))
                    .extracting(read -> TopicReader.header(read, "sequence"))
                    .containsExactly("3", "5", "7");
            await().until(() -> number(writer, "SELECT count(*) FROM parked WHERE state = 'HELD'") == 2);
            assertThat(relay.stopped()).isNotDone();
        }
    }

    @Test
    void lanesShareAChannelByKey() throws SQLException {
        try (Connection writer = fixture.connect();
                TopicReader reader = fixture.read(topic);
                Relay relay = fixture.relay(
                        RelayFixture.UNHURRIED, ChannelSettings.of("default").withLanes(3))) {
            for (int n = 0; n < 300; n++) {
                append(writer, topic, n % 10 == 0 ? null : "k" + n % 7, "{}");
            }
            assertThat(reader.await(300)).hasSize(300);
            await().until(() -> number(writer, "SELECT count(*) FROM pending") == 0);
            assertThat(number(writer, "SELECT count(DISTINCT lane) FROM checkpoint WHERE published > 0"))
                    .isEqualTo(3);
            assertThat(relay.stopped()).isNotDone();
        }
    }
}
