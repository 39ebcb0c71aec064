package dev.outbox.relay.ops;

import dev.outbox.relay.ChannelSettings;
import dev.outbox.relay.Database;
import dev.outbox.relay.LoggingListener;
import dev.outbox.relay.Relay;
import dev.outbox.relay.RelaySettings;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.kafka.KafkaBroker;
import dev.outbox.schema.OutboxSchema;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** An outbox for operations to work on: made by the migrations, served by relays of the library. */
public final class TestOutbox {

    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private final TestDatabase database;
    private final KafkaServer kafka;

    /** An outbox in the schema {@code outbox} of a database. */
    public TestOutbox(TestDatabase database, KafkaServer kafka) {
        this.database = database;
        this.kafka = kafka;
    }

    /** Makes the schema, empty, in place of the one before. */
    public void reset() {
        database.execute("DROP SCHEMA IF EXISTS outbox CASCADE");
        OutboxSchema.migrate(database.dataSource(), "outbox");
    }

    /** Where it is. */
    public Database database() {
        return new Database(database.jdbcUrl(), database.user(), database.password(), "outbox");
    }

    /** Starts a relay on channel {@code default}; a message that is refused once is dead. */
    public Relay relay() {
        return Relay.start(
                database(),
                RelaySettings.defaults().withLease(Duration.ofMinutes(1)),
                Map.of(
                        ChannelSettings.of("default")
                                .withParking(ChannelSettings.Parking.defaults().withAttempts(1, Duration.ofSeconds(1))),
                        KafkaBroker.of(kafka.bootstrapServers(), Map.of(), Envelope.Format.JSON)),
                new LoggingListener());
    }

    /** The statement that appends so many messages, now. */
    public static String insert(String topic, String key, int count) {
        return insert(topic, key, count, "clock_timestamp()");
    }

    /** The statement that appends so many messages, with the time that an expression gives. */
    public static String insert(String topic, String key, int count, String occurredAt) {
        return """
                INSERT INTO message (topic, key, type, source, payload, occurred_at)
                SELECT '%s', '%s', 'thing.happened', 'test', json_build_object('n', n), %s
                FROM generate_series(1, %d) n
                """.formatted(topic, key, occurredAt, count);
    }

    /** A connection whose search path is the outbox. */
    public Connection connect() throws SQLException {
        Connection connection = database.connection();
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET search_path = outbox");
        }
        return connection;
    }

    /** Runs SQL in the outbox's schema. */
    public void execute(String sql) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** The first column of each row. */
    public List<String> query(String sql) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<String> values = new ArrayList<>();
            while (rows.next()) {
                values.add(rows.getString(1));
            }
            return values;
        }
    }

    /** The first column of the only row, as a number. */
    public long number(String sql) throws SQLException {
        return Long.parseLong(query(sql).get(0));
    }

    /** The event ids in a topic's partition 0, from its beginning, once there are at least so many records. */
    public List<String> published(String topic, int count) {
        List<String> ids = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", kafka.bootstrapServers(), "auto.offset.reset", "earliest"),
                new StringDeserializer(),
                new StringDeserializer())) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (ids.size() < count) {
                if (System.nanoTime() - deadline > 0) {
                    throw new AssertionError(
                            "Records are missing: topic=" + topic + ", expected=" + count + ", read=" + ids.size());
                }
                for (ConsumerRecord<String, String> published : consumer.poll(Duration.ofMillis(100))) {
                    byte[] id = published.headers().lastHeader("event-id").value();
                    ids.add(new String(id, StandardCharsets.UTF_8));
                }
            }
        }
        return ids;
    }
}
