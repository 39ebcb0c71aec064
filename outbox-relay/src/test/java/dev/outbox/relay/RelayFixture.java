package dev.outbox.relay;

import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.kafka.KafkaBroker;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.TestDatabase;
import dev.outbox.testkit.TopicReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** An outbox in a database of its own, and relays on it. */
final class RelayFixture {

    /** With a lease that is over before a server is back. */
    static final RelaySettings QUICK = RelaySettings.defaults().withLease(Duration.ofSeconds(2));

    /** With a lease that a machine does not outsleep: who loses one sends again what was not checkpointed. */
    static final RelaySettings UNHURRIED = RelaySettings.defaults().withLease(Duration.ofMinutes(1));

    /** A message that is refused once is dead. */
    static final ChannelSettings.Parking DEAD_AT_ONCE =
            ChannelSettings.Parking.defaults().withAttempts(1, Duration.ofSeconds(1));

    private final TestDatabase database;
    private final @Nullable KafkaServer kafka;

    /** Without a broker of its own. */
    RelayFixture(TestDatabase database) {
        this.database = database;
        this.kafka = null;
    }

    RelayFixture(TestDatabase database, KafkaServer kafka) {
        this.database = database;
        this.kafka = kafka;
    }

    /** Makes the schema, empty, in place of the one before. */
    void reset() throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            statement.execute("DROP SCHEMA IF EXISTS outbox CASCADE");
            statement.execute("CREATE SCHEMA outbox");
            for (String script : new String[] {
                "V1__message", "V2__relay", "V3__append", "V4__retries", "V5__questions", "V6__operations", "V7__roles"
            }) {
                statement.execute(resource("/dev/outbox/db/migration/" + script + ".sql"));
            }
        }
    }

    Connection connect() throws SQLException {
        Connection connection = database.connection();
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET search_path = outbox");
        }
        return connection;
    }

    Database database() {
        return new Database(database.jdbcUrl(), database.user(), database.password(), "outbox");
    }

    Broker broker() {
        return KafkaBroker.of(Objects.requireNonNull(kafka).bootstrapServers(), Map.of(), Envelope.Format.JSON);
    }

    Relay relay() {
        return relay(UNHURRIED, ChannelSettings.of("default").withParking(DEAD_AT_ONCE));
    }

    Relay relay(RelaySettings settings, ChannelSettings channel) {
        return Relay.start(database(), settings, Map.of(channel, broker()), new LoggingListener());
    }

    Relay relay(Map<ChannelSettings, Broker> channels) {
        return Relay.start(database(), QUICK, channels, new LoggingListener());
    }

    TopicReader read(String topic) {
        return TopicReader.of(Objects.requireNonNull(kafka), topic);
    }

    static void append(Connection connection, String topic, @Nullable String key, String payload) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO message (topic, key, type, source, payload) VALUES (?, ?, 'thing.happened', 'test', ?::json)")) {
            insert.setString(1, topic);
            insert.setString(2, key);
            insert.setString(3, payload);
            insert.executeUpdate();
        }
    }

    static long number(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getLong(1);
        }
    }

    private static String resource(String name) {
        try (InputStream in = RelayFixture.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
