package dev.outbox.relay.ops;

import static dev.outbox.relay.Patience.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.relay.Relay;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Properties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Each reason for which a message may be stuck, provoked, and what {@code why_stuck} says of it. */
@ExtendWith(OutboxServers.class)
class WhyStuckIT {

    private static final String TIME = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ";

    /** An id that says so many seconds from now. */
    private static final String INSERT_MADE_AT = """
            INSERT INTO message (id, topic, key, type, payload)
            VALUES (
              (lpad(to_hex((extract(epoch FROM clock_timestamp() + ? * interval '1 second') * 1000)::bigint), 12, '0')
                || substr(replace(uuid_v7()::text, '-', ''), 13))::uuid,
              'orders', 'k', 'order.created', '1')
            RETURNING id
            """;

    private final TestDatabase database;
    private final KafkaServer kafka;
    private final SqlOutbox outbox;

    WhyStuckIT(TestDatabase database, KafkaServer kafka) throws SQLException {
        this.database = database;
        this.kafka = kafka;
        this.outbox = new SqlOutbox(database);
    }

    @BeforeEach
    void emptyOutbox() throws SQLException {
        outbox.reset();
    }

    @AfterEach
    void disconnect() throws SQLException {
        outbox.close();
    }

    @Test
    void itsChannelHasNoLanes() throws SQLException {
        String id = outbox.append("orders", "k", 1).get(0);
        assertThat(why(id))
                .matches("Message " + id + " is pending since " + TIME
                        + ": its channel 'default' has no lanes, no relay has ever served it\\..*");
        assertThat(status(id)).isEqualTo("NO LANES");
    }

    @Test
    void nobodyOwnsItsLane() throws SQLException {
        outbox.createLanes(1);
        String id = outbox.append("orders", "k", 1).get(0);
        assertThat(why(id))
                .matches("Message " + id + " is pending since " + TIME
                        + ": lane default/0 has no owner; no relay runs; messages of the lane before it: 0\\.");

        outbox.execute("INSERT INTO relay (id, version) VALUES ('relay-7', '1')");
        outbox.execute("UPDATE lane SET owner = 'relay-7', lease_until = clock_timestamp() - interval '1 minute'");
        assertThat(why(id))
                .matches(".* lane default/0 has no owner, the lease of relay relay-7 ended at " + TIME
                        + "; relays that were seen last: relay-7 at " + TIME + "; .*");
        assertThat(status(id)).isEqualTo("PENDING");
    }

    @Test
    void itsLaneIsOwnedAndHasOthersToPublishFirst() throws SQLException {
        outbox.createLanes(1);
        outbox.append("orders", "a", 5);
        String id = outbox.append("orders", "b", 3).get(2);
        outbox.execute("INSERT INTO relay (id, version) VALUES ('relay-7', '1')");
        outbox.execute("UPDATE lane SET owner = 'relay-7', lease_until = clock_timestamp() + interval '1 minute'");
        assertThat(why(id))
                .matches("Message " + id + " is pending since " + TIME
                        + ": relay relay-7 holds the lease of lane default/0 until " + TIME
                        + "; messages of the lane before it: 7\\.");

        outbox.execute("UPDATE lane SET trouble = 'broker does not answer', trouble_since = clock_timestamp()");
        assertThat(why(id))
                .matches(".* relay relay-7 holds the lease of lane default/0 until " + TIME
                        + " and does not get on since " + TIME + ": broker does not answer; .*");
    }

    @Test
    void onlyItsOwnLaneCounts() throws SQLException {
        outbox.createLanes(4);
        List<String> keys = List.of("a", "b", "c", "d", "e", "f", "g", "h");
        for (String key : keys) {
            outbox.append("orders", key, 1);
        }
        String id = outbox.append("orders", "a", 1).get(0);
        String mine = outbox.query(
                        "SELECT count(*) - 1 FROM pending WHERE lane = (SELECT lane FROM pending WHERE id = ?::uuid)",
                        id)
                .get(0);
        assertThat(why(id)).endsWith("; messages of the lane before it: " + mine + ".");
        assertThat(Long.parseLong(mine)).isBetween(1L, 7L);
    }

    @Test
    void anOperatorHasPausedItsLane() throws SQLException {
        outbox.createLanes(2);
        String id = outbox.append("orders", "k", 1).get(0);
        try (Connection operator = outbox.connect()) {
            SqlOutbox.query(operator, "SELECT set_config('outbox.actor', 'anna', false)");
            SqlOutbox.query(operator, "SELECT * FROM pause('default', reason => 'the broker moves')");
        }
        assertThat(why(id))
                .matches(".*: lane default/[01] is paused by anna as " + database.user() + " since " + TIME
                        + ": 'the broker moves'; .*");
    }

    @Test
    void itIsHeldBehindAnotherOfItsKey() throws SQLException {
        outbox.createLanes(1);
        outbox.execute("UPDATE lane SET owner = 'relay-7', lease_until = clock_timestamp() + interval '1 hour'");
        List<String> ids = outbox.append("orders", "k", 3);
        outbox.checkpoint();
        outbox.park(1, "DEAD", null);
        outbox.park(2, "HELD", 1L);
        outbox.park(3, "HELD", 1L);
        String held = "Message " + ids.get(1) + " is held since " + TIME + " behind message " + ids.get(0)
                + " of its key 'k' in topic 'orders', which ";
        String error = ": RecordTooLargeException: larger than 1 MiB";
        assertThat(why(ids.get(1)))
                .matches(held + "is dead since " + TIME + ", attempts made: 3" + error
                        + "\\. Retry or discard that one, then this one follows\\.");
        assertThat(why(ids.get(0)))
                .matches("Message " + ids.get(0) + " is dead since " + TIME + ", attempts made: 3" + error
                        + "\\. Retry or discard it; held behind it: 2\\.");
        assertThat(outbox.query("SELECT status, held_by FROM message_status(?::uuid)", ids.get(2)))
                .containsExactly("HELD|" + ids.get(0));

        outbox.execute("UPDATE parked SET state = 'RETRYING', next_attempt_at = '2100-01-01 00:00Z' WHERE seq = 1");
        assertThat(why(ids.get(1)))
                .matches(held + "was refused, attempts made: 3, tried again at 2100-01-01T00:00:00Z" + error + "\\.");
        assertThat(why(ids.get(0)))
                .matches("Message " + ids.get(0) + " was refused, attempts made: 3, tried again at 2100-01-01T00:00:00Z"
                        + error + "\\.");
        outbox.query("SELECT * FROM retry(key => 'k', reason => 'mended')");
        assertThat(why(ids.get(0))).contains(", tried again at once: ");

        outbox.query("SELECT * FROM discard(ids => array[?::uuid], reason => 'a\nb')", ids.get(0));
        assertThat(why(ids.get(1)))
                .matches(held + "was discarded at " + TIME + " by .*: 'discarded: a\\?b'\\."
                        + " The owner of the lane publishes what was behind it, in order\\.");
        assertThat(why(ids.get(0))).matches("Message .* was discarded at " + TIME + " by .*: 'discarded: a\\?b'\\.");
        assertThat(status(ids.get(0))).isEqualTo("DISCARDED");

        outbox.execute("DELETE FROM parked WHERE seq = 1");
        outbox.query("SELECT * FROM pause('default', reason => 'x')");
        assertThat(why(ids.get(1)))
                .contains("behind message (not kept)", "is not parked any more", "Lane default/0 is paused by ");
    }

    @Test
    void itsTopicIsUnavailable() throws SQLException {
        outbox.createLanes(1);
        outbox.execute("UPDATE lane SET owner = 'relay-7', lease_until = clock_timestamp() + interval '1 hour'");
        List<String> ids = outbox.append("orders", "k", 2);
        outbox.checkpoint();
        outbox.park(1, "WAITING", null);
        outbox.park(2, "WAITING", null);
        outbox.execute("UPDATE parked SET parked_at = '2020-02-03 04:05:06Z' WHERE seq = 1");
        assertThat(why(ids.get(1)))
                .isEqualTo("Message " + ids.get(1) + " waits for topic 'orders', which is unavailable since"
                        + " 2020-02-03T04:05:06Z: UnknownTopicOrPartitionException: no such topic.");
    }

    @Test
    void aRelayHasPublishedItOrParkedItForReal() throws SQLException {
        String topic = KafkaServer.uniqueTopic("why");
        TestOutbox served = new TestOutbox(database, kafka);
        outbox.execute("INSERT INTO message (topic, key, type, payload) VALUES ('" + topic
                + "', 'bad', 'a.b', to_json(repeat('x', 2000000)))");
        String follower = outbox.append(topic, "bad", 1).get(0);
        String published = outbox.append(topic, "good", 1).get(0);
        String pending = why(published);
        assertThat(pending).contains("has no lanes");
        try (Relay relay = served.relay()) {
            served.published(topic, 1);
            await().until(() -> outbox.query("SELECT count(*) FROM parked").equals(List.of("2")));
            String owner = outbox.query("SELECT owner FROM lane").get(0);
            await().untilAsserted(() -> assertThat(why(published))
                    .matches("Message " + published + " was published at " + TIME + " by relay " + owner + " to \\{ \""
                            + topic
                            + "-0\" : \\[0, ?0\\] \\} \\(destination: first and last offset of its checkpoint\\)\\."));
            assertThat(outbox.query("SELECT status, relay FROM message_status(?::uuid)", published))
                    .containsExactly("PUBLISHED|" + owner);
            assertThat(why(follower)).contains("is held since ", "which ").doesNotContain("Lane default/0");
            assertThat(relay.stopped()).isNotDone();
        }
        assertThat(why(follower)).endsWith("Lane default/0 has no owner; no relay runs.");
    }

    @Test
    void aReceiptIsFoundAmongManyAndKnownToBeThinned() throws SQLException {
        outbox.createLanes(1);
        String[] ids = new String[20];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = outbox.append("orders", "k", 1).get(0);
            outbox.checkpoint();
            outbox.execute("UPDATE checkpoint SET relay = 'relay-' || no, first_seq = last_seq WHERE no = " + (i + 1));
        }
        for (int i = 0; i < ids.length; i++) {
            assertThat(outbox.query("SELECT relay, broker_positions::text FROM message_status(?::uuid)", ids[i]))
                    .containsExactly("relay-" + (i + 1) + "|{ \"orders-0\" : [0, 41] }");
        }
        outbox.execute("DELETE FROM checkpoint WHERE no % 10 <> 0");
        for (int i = 0; i < ids.length; i++) {
            assertThat(outbox.query(
                            "SELECT status, relay, broker_positions::text FROM message_status(?::uuid)", ids[i]))
                    .containsExactly("PUBLISHED|relay-" + (i / 10 + 1) * 10 + "|null");
        }
        assertThat(why(ids[3])).matches("Message .* was published not later than " + TIME + " by relay relay-10\\.");

        // A division of the channel begins where the one before has ended.
        outbox.execute("DELETE FROM checkpoint WHERE no <> 20");
        outbox.execute(
                "INSERT INTO lane (channel, generation, lane, lanes) VALUES ('default', 2, 0, 2), ('default', 2, 1, 2)");
        outbox.checkpoint();
        assertThat(outbox.query("SELECT status, relay FROM message_status(?::uuid)", ids[3]))
                .containsExactly("PUBLISHED|relay-20");
        String after = outbox.append("orders", "k", 1).get(0);
        outbox.checkpoint();
        assertThat(outbox.query("SELECT status, relay FROM message_status(?::uuid)", after))
                .containsExactly("PUBLISHED|relay-1");
    }

    @Test
    void whatAPageHasReachedIsPublishedAndTheRestOfItsWindowIsNot() throws SQLException {
        outbox.createLanes(1);
        outbox.checkpoint();
        List<String> ids = outbox.append("orders", "k", 4);
        outbox.execute("""
                INSERT INTO checkpoint (channel, generation, lane, no, snapshot, window_snapshot, window_end, page_seq, published,
                  parked, first_seq, last_seq, broker_positions, relay, epoch, system_identifier, timeline)
                SELECT channel, generation, lane, 2, snapshot, pg_current_snapshot(), 4, 2, 2, 0, 1, 2, '{"orders-0": [0, 1]}',
                  'relay-1', 1, 1, 1
                FROM checkpoint
                """);
        assertThat(status(ids.get(1))).isEqualTo("PUBLISHED");
        assertThat(status(ids.get(2))).isEqualTo("PENDING");
        assertThat(why(ids.get(3))).endsWith("; messages of the lane before it: 1.");
        assertThat(outbox.query("SELECT messages FROM pending_by_key")).containsExactly("2");
        assertThat(outbox.query("SELECT pending FROM status")).containsExactly("2");
        assertThat(outbox.query("SELECT seq FROM pending ORDER BY seq")).containsExactly("3", "4");
    }

    @Test
    void retentionHasTruncatedIt() throws SQLException {
        outbox.createLanes(1);
        String old = outbox.append("orders", "k", 1).get(0);
        outbox.query("SELECT * FROM rotate('a test')");
        String kept = outbox.append("orders", "k", 1).get(0);
        outbox.checkpoint();
        outbox.execute("TRUNCATE message_0; UPDATE segment_log SET truncated_at = clock_timestamp() WHERE no = 0");
        assertThat(why(old))
                .matches("Message " + old + " is gone, if it ever was: its id was made at " + TIME
                        + ", and the segment of that time was truncated by retention at " + TIME
                        + ", after all of it had been published or parked\\.");
        assertThat(status(old)).isEqualTo("UNKNOWN");
        assertThat(status(kept)).isEqualTo("PUBLISHED");
        assertThat(why("01000000-0000-7000-8000-000000000000"))
                .matches(
                        "Message .* is not here: its id was made at 2004-11-03T19:53:47Z, and what this outbox remembers begins at "
                                + TIME + "\\.");
    }

    @Test
    void itsTransactionIsOpenAndThenEnds() throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", database.user());
        properties.setProperty("password", database.password());
        properties.setProperty("ApplicationName", "order 'service'");
        try (Connection writer = DriverManager.getConnection(database.jdbcUrl(), properties);
                Statement statement = writer.createStatement();
                Connection idle = outbox.connect();
                Statement reader = idle.createStatement()) {
            writer.setAutoCommit(false);
            idle.setAutoCommit(false);
            reader.execute("SELECT count(*) FROM message"); // Open too, and not about to commit anything.
            statement.execute("SET LOCAL search_path = outbox");
            String id = SqlOutbox.query(
                            writer, "SELECT append(topic => 'orders', type => 'order.created', payload => '1')")
                    .get(0);
            String pid = SqlOutbox.query(writer, "SELECT pg_backend_pid()").get(0);
            assertThat(why(id))
                    .matches("Message " + id
                            + " is not committed \\(looked through the whole outbox\\)\\. Transactions that have"
                            + " written to the outbox are open and may still commit it: pid " + pid
                            + " \\(application 'order 'service'', role " + database.user()
                            + ", open for \\d\\d:\\d\\d:\\d\\d, idle in transaction\\)\\.");
            writer.rollback();
            assertThat(why(id))
                    .isEqualTo("Message " + id
                            + " is not there (looked through the whole outbox), and no open transaction has"
                            + " written to the outbox: it was rolled back, or was never appended here.");
        }
        assertThat(why("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"))
                .contains("is not there (looked through the whole outbox)");
    }

    @Test
    void theAgeOfAnothersTransactionIsHiddenFromAnOwnerWithoutRights() throws SQLException {
        String owner = database.name() + "_owner";
        outbox.execute("CREATE ROLE \"" + owner + "\" LOGIN PASSWORD 'not-a-secret'");
        outbox.execute("CREATE SCHEMA plain AUTHORIZATION \"" + owner + "\"");
        try (Connection connection = DriverManager.getConnection(database.jdbcUrl(), owner, "not-a-secret");
                Statement statement = connection.createStatement();
                Connection writer = database.connection();
                Statement insert = writer.createStatement()) {
            statement.execute("SET search_path = plain");
            for (String script : List.of(
                    "V1__message",
                    "V2__relay",
                    "V3__append",
                    "V4__retries",
                    "V5__questions",
                    "V6__operations",
                    "V7__roles")) {
                statement.execute(SqlOutbox.resource("migration/" + script + ".sql"));
            }
            writer.setAutoCommit(false);
            insert.execute("SELECT plain.append(topic => 'orders', type => 'order.created', payload => '1')");
            assertThat(SqlOutbox.query(connection, "SELECT why_stuck(uuid_v7())"))
                    .singleElement()
                    .asString()
                    .matches(".* may still commit it: pid \\d+ \\(application '.*', role " + database.user()
                            + ", its age is hidden from role " + owner + "\\)\\.");
        } finally {
            outbox.execute("DROP SCHEMA plain CASCADE; DROP ROLE \"" + owner + "\"");
        }
    }

    @Test
    void anIdIsFoundWhateverClockItWasMadeBy() throws SQLException {
        outbox.createLanes(1);
        outbox.append("orders", "k", 300);
        String behind = outbox.query(INSERT_MADE_AT, -5).get(0);
        outbox.append("orders", "k", 300);
        String ahead = outbox.query(INSERT_MADE_AT, 1000).get(0);
        String random = outbox.query(
                        "INSERT INTO message (id, topic, type, payload) VALUES (gen_random_uuid(), 't', 'a.b', '1') RETURNING id")
                .get(0);
        outbox.append("orders", "k", 300);
        for (String id : List.of(behind, ahead, random)) {
            assertThat(status(id)).isEqualTo("PENDING");
        }
        assertThat(outbox.query("SELECT count(*) FROM message WHERE locate(id) IS DISTINCT FROM seq"))
                .containsExactly("0");
    }

    private String why(String id) throws SQLException {
        return outbox.query("SELECT why_stuck(?::uuid)", id).get(0);
    }

    private String status(String id) throws SQLException {
        return outbox.query("SELECT status FROM message_status(?::uuid)", id).get(0);
    }
}
