package dev.outbox.relay.ops;

import static dev.outbox.relay.Patience.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.relay.ChannelSettings;
import dev.outbox.relay.Database;
import dev.outbox.relay.LoggingListener;
import dev.outbox.relay.Relay;
import dev.outbox.relay.RelaySettings;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.doctor.Doctor;
import dev.outbox.relay.doctor.Finding;
import dev.outbox.relay.kafka.KafkaBroker;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Each role from the outside: as a login role that is a member of it and of nothing else. */
@ExtendWith(OutboxServers.class)
class RolesIT {

    private static final String DENIED = "42501 ";

    /** What nobody but the owner may do, whichever of the four roles he has. */
    private static final List<String> FORBIDDEN_TO_ALL = List.of(
            "SELECT * FROM public.business",
            "SELECT setval('message_seq', 1)",
            "SELECT setval('segment_seq', 1)",
            "UPDATE message SET topic = 'other'",
            "DELETE FROM message",
            "TRUNCATE message",
            "INSERT INTO message (seq, topic, type, payload) VALUES (1, 't', 'a.b', '1')",
            "INSERT INTO message (xid, topic, type, payload) VALUES ('1', 't', 'a.b', '1')",
            "INSERT INTO message (segment, topic, type, payload) VALUES (3, 't', 'a.b', '1')",
            "INSERT INTO message_0 (id, topic, type, payload) VALUES (uuid_v7(), 't', 'a.b', '1')",
            "INSERT INTO audit (operator, operation, reason, arguments, matched, changed) VALUES ('x', 'x', 'x', '{}', 1, 1)",
            "UPDATE audit SET reason = 'other'",
            "TRUNCATE audit",
            "DROP TABLE message",
            "DROP FUNCTION why_stuck(uuid)",
            "ALTER TABLE message ADD COLUMN mine text",
            "CREATE TABLE outbox.mine (id int)",
            "CREATE FUNCTION outbox.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "SELECT grant_roles()",
            "SELECT write_audit('x', 'x', '{}', 1, 1)",
            "SELECT set_paused(true, 'default', null, 'x', false)",
            "SELECT lock_operations()",
            "GRANT outbox_operator TO current_user");

    private static final List<String> MUTATIONS = List.of(
            "SELECT * FROM retry(topic => 't', reason => 'x')",
            "SELECT * FROM discard(topic => 't', reason => 'x')",
            "SELECT * FROM replay(topic => 't', reason => 'x')",
            "SELECT * FROM cancel_replay(uuid_v7(), 'x')",
            "SELECT * FROM pause('default', reason => 'x')",
            "SELECT * FROM resume('default', reason => 'x')",
            "SELECT * FROM rotate('x')",
            "SELECT * FROM show_message(uuid_v7())");

    private static final List<String> WRITES = List.of(
            "INSERT INTO message (topic, type, payload) VALUES ('t', 'a.b', '1')",
            "SELECT append(topic => 't', type => 'a.b', payload => '1')",
            "SELECT nextval('message_seq')",
            "SELECT nextval('segment_seq')",
            "TRUNCATE message_3",
            "UPDATE lane SET paused_at = null, pause_reason = null",
            "UPDATE parked SET state = 'DEAD'",
            "DELETE FROM parked",
            "DELETE FROM attempt",
            "DELETE FROM audit",
            "DELETE FROM checkpoint",
            "UPDATE replay SET state = 'DONE'",
            "INSERT INTO replay_lane (replay, generation, lane, seq, published) VALUES (uuid_v7(), 1, 0, 1, 1)",
            "INSERT INTO segment_log (no, segment) VALUES (9, 1)");

    private static final List<String> READS = List.of(
            "SELECT * FROM status",
            "SELECT * FROM lag",
            "SELECT * FROM pending",
            "SELECT * FROM pending_by_key",
            "SELECT * FROM held_keys",
            "SELECT * FROM receipts",
            "SELECT * FROM versions_pending",
            "SELECT * FROM replays",
            "SELECT * FROM message_status(uuid_v7())",
            "SELECT why_stuck(uuid_v7())",
            "SELECT * FROM find_messages()",
            "SELECT * FROM attempts((SELECT id FROM message LIMIT 1))",
            "SELECT id, topic, key, type, source, correlation_id, xid, seq, segment FROM message",
            "SELECT seq, state, last_error, resolved_by, broker_positions FROM parked",
            "SELECT * FROM audit",
            "SELECT * FROM attempt",
            "SELECT * FROM checkpoint",
            "SELECT * FROM lane",
            "SELECT * FROM relay",
            "SELECT * FROM segment_log",
            "SELECT * FROM replay",
            "SELECT * FROM replay_lane",
            "SELECT last_value FROM message_seq");

    private static final List<String> CONTENT = List.of(
            "SELECT payload FROM message",
            "SELECT body FROM message",
            "SELECT headers FROM message",
            "SELECT * FROM message",
            "SELECT m FROM message m",
            "SELECT payload FROM message_0",
            "SELECT count(*) FROM message WHERE payload::text LIKE '%secret%'",
            "SELECT payload FROM parked",
            "SELECT headers FROM parked",
            "SELECT to_json(k) FROM parked k");

    private final TestDatabase database;
    private final KafkaServer kafka;
    private final SqlOutbox outbox;

    RolesIT(TestDatabase database, KafkaServer kafka) throws SQLException {
        this.database = database;
        this.kafka = kafka;
        this.outbox = new SqlOutbox(database);
    }

    @BeforeEach
    void emptyOutbox() throws SQLException {
        outbox.reset();
        outbox.createRoles();
        outbox.execute("CREATE TABLE IF NOT EXISTS public.business (id int)");
        outbox.createLanes(1);
        outbox.append("orders", "k", 3);
        outbox.checkpoint();
    }

    @AfterEach
    void dropLogins() throws SQLException {
        for (String role : List.of("writer", "relay", "auditor", "operator")) {
            outbox.execute("DROP OWNED BY " + outbox.login(role) + " CASCADE; DROP ROLE " + outbox.login(role));
        }
        outbox.close();
    }

    @Test
    void theScriptMayRunAgainAndChangesNothing() throws SQLException {
        String rights = """
                SELECT oid::text, relacl::text FROM pg_class WHERE relnamespace = 'outbox'::regnamespace
                UNION ALL SELECT oid::text, proacl::text FROM pg_proc WHERE pronamespace = 'outbox'::regnamespace
                UNION ALL SELECT attrelid || '.' || attnum, attacl::text FROM pg_attribute WHERE attacl IS NOT NULL
                ORDER BY 1, 2
                """;
        List<String> before = outbox.query(rights);
        outbox.execute(SqlOutbox.resource("roles.sql"));
        assertThat(outbox.query(rights)).isEqualTo(before).hasSizeGreaterThan(100);
    }

    @Test
    void everyFunctionSaysWhoItIsForAndIsPinned() throws SQLException {
        assertThat(outbox.query("""
                        SELECT proname FROM pg_proc
                        WHERE pronamespace = 'outbox'::regnamespace AND proname NOT IN (SELECT name FROM function_audience())
                        """)).isEmpty();
        assertThat(outbox.query("""
                        SELECT name FROM function_audience()
                        WHERE name NOT IN (SELECT proname FROM pg_proc WHERE pronamespace = 'outbox'::regnamespace)
                        """)).isEmpty();
        assertThat(outbox.query("""
                        SELECT proname FROM pg_proc
                        WHERE pronamespace = 'outbox'::regnamespace AND prosecdef
                          AND NOT 'search_path=outbox, pg_temp' = ANY (coalesce(proconfig, '{}'))
                        """)).isEmpty();
        assertThat(outbox.query("""
                        SELECT proname FROM pg_proc p
                        WHERE pronamespace = 'outbox'::regnamespace AND proname NOT IN ('append', 'uuid_v7')
                          AND EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0)
                        """)).isEmpty();
    }

    @Test
    void aWriterAppendsAndDoesNothingElse() throws SQLException {
        try (Connection writer = outbox.connectAs("writer")) {
            assertAllowed(
                    writer,
                    "INSERT INTO message (topic, key, type, payload, headers) VALUES ('t', 'k', 'a.b', '1', '{\"a\": \"b\"}')",
                    "SELECT append(topic => 't', type => 'a.b', payload => '1')");
            assertForbidden(writer, FORBIDDEN_TO_ALL);
            assertForbidden(writer, MUTATIONS);
            assertForbidden(writer, CONTENT);
            assertForbidden(writer, READS);
            assertForbidden(
                    writer,
                    List.of(
                            "SELECT id FROM message",
                            "INSERT INTO message (topic, type, payload) VALUES ('t', 'a.b', '1') RETURNING id",
                            "SELECT nextval('segment_seq')",
                            "UPDATE lane SET paused_at = null, pause_reason = null",
                            "DELETE FROM parked",
                            "DO $$ BEGIN LOCK TABLE message IN ACCESS EXCLUSIVE MODE; END $$"));
        }
        assertThat(outbox.query("SELECT count(*), count(DISTINCT segment) FROM message"))
                .containsExactly("5|1");
    }

    @Test
    void aRelayDoesItsWorkWithItsRoleAndMayDoNothingBeyond() throws SQLException {
        String topic = KafkaServer.uniqueTopic("roles");
        Database asRelay =
                new Database(database.jdbcUrl(), outbox.login("relay").replace("\"", ""), outbox.password(), "outbox");
        outbox.execute("DELETE FROM checkpoint; DELETE FROM lane; TRUNCATE message");
        assertThat(Doctor.examine(asRelay, RelaySettings.defaults()))
                .noneMatch(finding -> finding.state() == Finding.State.FAILED);
        outbox.execute(TestOutbox.insert(topic, "k", 3));
        outbox.execute("INSERT INTO message (topic, key, type, payload) VALUES ('" + topic
                + "', 'bad', 'a.b', to_json(repeat('x', 2000000)))");
        try (Relay relay = Relay.start(
                asRelay,
                RelaySettings.defaults(),
                Map.of(
                        ChannelSettings.of("default"),
                        KafkaBroker.of(kafka.bootstrapServers(), Map.of(), Envelope.Format.JSON)),
                new LoggingListener())) {
            assertThat(new TestOutbox(database, kafka).published(topic, 3)).hasSize(3);
            await().until(() -> outbox.query("SELECT count(*) FROM parked").equals(List.of("1")));
            assertThat(relay.stopped()).isNotDone();
        }
        try (Connection relay = outbox.connectAs("relay")) {
            assertAllowed(
                    relay,
                    "SELECT nextval('segment_seq')",
                    "DO $$ BEGIN LOCK TABLE message_2 IN ACCESS EXCLUSIVE MODE; TRUNCATE message_2; END $$",
                    "UPDATE parked SET attempts = attempts + 1, next_attempt_at = clock_timestamp()",
                    "UPDATE lane SET trouble = 'x', trouble_since = clock_timestamp()",
                    "SELECT * FROM replay WHERE state = 'RUNNING' FOR UPDATE SKIP LOCKED",
                    "UPDATE replay SET state = 'DONE', finished_at = clock_timestamp()",
                    "DELETE FROM audit WHERE at < clock_timestamp() - interval '1 year'",
                    "DELETE FROM parked WHERE resolved_at < clock_timestamp() - interval '1 year'",
                    "DELETE FROM attempt WHERE attempted_at < clock_timestamp() - interval '1 year'",
                    "DELETE FROM replay WHERE finished_at < clock_timestamp() - interval '1 year'",
                    "DELETE FROM checkpoint WHERE made_at < clock_timestamp() - interval '1 year'");
            assertForbidden(relay, FORBIDDEN_TO_ALL);
            assertForbidden(relay, MUTATIONS);
            assertForbidden(
                    relay,
                    List.of(
                            "INSERT INTO message (topic, type, payload) VALUES ('t', 'a.b', '1')",
                            "SELECT nextval('message_seq')",
                            "INSERT INTO replay (channel, first_seq, last_seq, rate, matched, requested_by, reason)"
                                    + " VALUES ('default', 1, 1, 1, 1, 'x', 'x')"));
        }
    }

    @Test
    void anAuditorReadsEverythingButContentAndChangesNothing() throws SQLException {
        outbox.park(2, "DEAD", null);
        try (Connection auditor = outbox.connectAs("auditor")) {
            assertAllowed(auditor, READS.toArray(String[]::new));
            assertForbidden(auditor, FORBIDDEN_TO_ALL);
            assertForbidden(auditor, MUTATIONS);
            assertForbidden(auditor, CONTENT);
            assertForbidden(auditor, WRITES);
        }
    }

    @Test
    void anOperatorOperatesAndWritesToNoTable() throws SQLException {
        outbox.park(2, "DEAD", null);
        try (Connection operator = outbox.connectAs("operator")) {
            assertAllowed(operator, READS.toArray(String[]::new));
            assertForbidden(operator, FORBIDDEN_TO_ALL);
            assertForbidden(operator, CONTENT);
            assertForbidden(operator, WRITES);
            assertAllowed(
                    operator,
                    "SELECT * FROM retry(topic => 'orders', reason => 'x')",
                    "SELECT * FROM discard(topic => 'orders', reason => 'x')",
                    "SELECT * FROM replay(topic => 'orders', reason => 'x')",
                    "SELECT * FROM cancel_replay((SELECT id FROM replays), 'x')",
                    "SELECT * FROM pause('default', reason => 'x')",
                    "SELECT * FROM resume('default', reason => 'x')",
                    "SELECT * FROM rotate('x')");
            assertThat(SqlOutbox.query(
                            operator, "SELECT payload FROM show_message((SELECT id FROM message WHERE seq = 1))"))
                    .containsExactly("{\"secret\": 42}");
        }
        String name = outbox.login("operator").replace("\"", "");
        assertThat(outbox.query("SELECT DISTINCT operator FROM audit")).containsExactly(name);
        assertThat(outbox.query("SELECT resolved_by FROM parked")).containsExactly(name);
        assertThat(outbox.query("SELECT count(*) FROM audit")).containsExactly("7");
    }

    @Test
    void whoHasNoneOfTheRolesMayCallNothing() throws SQLException {
        outbox.execute("REVOKE outbox_auditor FROM " + outbox.login("auditor"));
        outbox.execute("GRANT USAGE ON SCHEMA outbox TO " + outbox.login("auditor"));
        try (Connection nobody = outbox.connectAs("auditor")) {
            assertForbidden(nobody, FORBIDDEN_TO_ALL);
            assertForbidden(nobody, MUTATIONS);
            assertForbidden(nobody, READS);
            assertForbidden(nobody, CONTENT);
        } finally {
            outbox.execute("REVOKE USAGE ON SCHEMA outbox FROM " + outbox.login("auditor"));
        }
    }

    @Test
    void whatACallerPutsInFrontOfOurTablesAndFunctionsIsNotSeen() throws SQLException {
        outbox.park(2, "DEAD", null);
        outbox.execute("CREATE SCHEMA IF NOT EXISTS evil; GRANT ALL ON SCHEMA evil TO " + outbox.login("operator"));
        try (Connection operator = outbox.connectAs("operator");
                Statement statement = operator.createStatement()) {
            statement.execute("""
                    CREATE TEMP TABLE parked (seq bigint, id uuid, channel text, topic text, key text, type text, state text);
                    CREATE TEMP TABLE audit (LIKE outbox.audit INCLUDING IDENTITY);
                    CREATE TEMP TABLE lane (LIKE outbox.lane);
                    CREATE TEMP TABLE message (seq bigint, id uuid);
                    CREATE TEMP VIEW lane_position AS SELECT * FROM outbox.lane_position WHERE false;
                    CREATE FUNCTION evil.lock_operations() RETURNS void LANGUAGE sql AS 'SELECT 1/0';
                    CREATE FUNCTION evil.write_audit(text, text, jsonb, bigint, bigint) RETURNS void LANGUAGE sql AS 'SELECT 1/0';
                    CREATE FUNCTION evil.format(text, text) RETURNS text LANGUAGE sql AS 'SELECT (1/0)::text';
                    CREATE FUNCTION evil.upper(text) RETURNS text LANGUAGE sql AS 'SELECT (1/0)::text';
                    CREATE FUNCTION evil.same(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT 1/0 = 1';
                    CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
                    SET search_path = evil, pg_temp, pg_catalog, outbox;
                    """);
            assertThat(SqlOutbox.query(operator, "SELECT * FROM outbox.pause('default', reason => 'x')"))
                    .containsExactly("1|1");
            assertThat(
                            SqlOutbox.query(
                                    operator,
                                    "SELECT status FROM outbox.message_status((SELECT id FROM outbox.message WHERE seq OPERATOR(pg_catalog.=) 1))"))
                    .containsExactly("PUBLISHED");
            assertThat(
                            SqlOutbox.query(
                                    operator,
                                    "SELECT outbox.why_stuck((SELECT id FROM outbox.message WHERE seq OPERATOR(pg_catalog.=) 2))"))
                    .singleElement()
                    .asString()
                    .contains("is dead");
            assertThat(SqlOutbox.query(operator, "SELECT * FROM outbox.discard(topic => 'orders', reason => 'x')"))
                    .containsExactly("1|1");
            assertThat(SqlOutbox.query(operator, "SELECT count(*) FROM pg_temp.audit"))
                    .containsExactly("0");
        } finally {
            outbox.execute("DROP SCHEMA evil CASCADE");
        }
        assertThat(outbox.query("SELECT state FROM parked")).containsExactly("RESOLVED");
        assertThat(outbox.query("SELECT operation FROM audit ORDER BY id")).containsExactly("pause", "discard");
    }

    @Test
    void aWriterSeesItsOwnTableOnlyWhenItSaysSo() throws SQLException {
        try (Connection writer = outbox.connectAs("writer");
                Statement statement = writer.createStatement()) {
            statement.execute(
                    "CREATE TEMP TABLE message (id uuid, channel text, topic text, key text, type text, payload json)");
            statement.execute("SELECT outbox.append(topic => 'mine', type => 'a.b', payload => '1')");
        }
        assertThat(outbox.query("SELECT count(*) FROM message WHERE topic = 'mine'"))
                .containsExactly("1");
    }

    private static void assertAllowed(Connection connection, String... statements) throws SQLException {
        for (String statement : statements) {
            assertThat(SqlOutbox.refusal(connection, statement)).as(statement).isEqualTo(SqlOutbox.ACCEPTED);
        }
    }

    private static void assertForbidden(Connection connection, List<String> statements) throws SQLException {
        for (String statement : statements) {
            assertThat(SqlOutbox.refusal(connection, statement)).as(statement).startsWith(DENIED);
        }
    }
}
