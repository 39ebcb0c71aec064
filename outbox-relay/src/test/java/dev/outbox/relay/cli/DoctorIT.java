package dev.outbox.relay.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.relay.config.Settings;
import dev.outbox.relay.doctor.Doctor;
import dev.outbox.relay.doctor.Finding;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OutboxServers.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DoctorIT {

    private static final String LOGIN = "doctor_it_relay";

    private final TestDatabase database;
    private final KafkaServer kafka;
    private final OperatedOutbox outbox;

    DoctorIT(TestDatabase database, KafkaServer kafka) {
        this.database = database;
        this.kafka = kafka;
        this.outbox = new OperatedOutbox(database, kafka);
    }

    @BeforeAll
    void makeOutbox() throws SQLException, IOException {
        outbox.sql().reset();
        outbox.makeLogin(LOGIN, "outbox_relay");
        outbox.sql().execute("CREATE TABLE public.customer (name text)");
    }

    @BeforeEach
    void fillOutbox() throws SQLException {
        outbox.fill();
        outbox.sql().execute("DELETE FROM message WHERE channel = 'misspelt'");
        outbox.sql()
                .execute("UPDATE lane SET paused_at = NULL, pause_reason = NULL, owner = 'relay-1',"
                        + " lease_until = clock_timestamp() + interval '1 hour'");
    }

    @Test
    void aRoleOfItsOwnOnAnOutboxInOrderLeavesNothingToSay() {
        List<Finding> findings = examineAs(LOGIN, LOGIN);
        assertThat(findings)
                .filteredOn(finding -> !finding.subject().equals("kafka topics"))
                .allSatisfy(finding -> assertThat(finding.state()).isEqualTo(Finding.State.OK))
                .extracting(Finding::subject)
                .containsExactly(
                        "settings",
                        "database",
                        "clock",
                        "tables",
                        "schema",
                        "rights",
                        "positions",
                        "sequences",
                        "replication",
                        "ring",
                        "relays",
                        "lanes",
                        "kafka",
                        "kafka limits");
        assertThat(text(findings, "clock")).matches("OK the database's is \\d+ ms .* this machine's, .*");
        assertThat(text(findings, "database")).contains("connected directly");
    }

    @Test
    void aRoleIsToldWhatItLacksAndWhatItHasTooMuch() throws SQLException {
        assertThat(text(examine(), "rights")).startsWith("WARNING").contains("it is a superuser");
        outbox.sql().execute("REVOKE DELETE ON relay FROM outbox_relay");
        assertThat(text(examineAs(LOGIN, LOGIN), "rights"))
                .startsWith("FAILED")
                .contains("the role lacks DELETE on relay;");
        outbox.sql()
                .execute("SELECT grant_roles(); GRANT INSERT ON message TO " + LOGIN
                        + "; GRANT SELECT (name) ON public.customer TO " + LOGIN);
        assertThat(text(examineAs(LOGIN, LOGIN), "rights"))
                .startsWith("WARNING")
                .contains("INSERT on message", "SELECT on 1 tables outside the outbox, such as public.customer");
        outbox.sql()
                .execute("REVOKE INSERT ON message FROM " + LOGIN + "; REVOKE SELECT (name) ON public.customer FROM "
                        + LOGIN);
    }

    @Test
    void sequencesThatWouldBreakTheOrderAreNamed() throws SQLException {
        outbox.sql().execute("ALTER SEQUENCE message_seq CACHE 20");
        assertThat(text(examine(), "sequences")).startsWith("FAILED").contains("keeps 20 numbers");
        outbox.sql().execute("ALTER SEQUENCE message_seq CACHE 1");
        outbox.sql().execute("SELECT setval('message_seq', 5); INSERT INTO segment_log (no, segment) VALUES (9, 1)");
        assertThat(text(examine(), "sequences"))
                .startsWith("FAILED")
                .contains("message_seq is at 5, behind seq ", "segment_seq is at 0, behind no 9", "outbox rebase");
    }

    @Test
    void rowsOfAnotherClusterAreNamed() throws SQLException {
        outbox.sql()
                .execute("INSERT INTO message (xid, topic, key, type) VALUES ('900000000000', 'orders', 'k', 'a.b')");
        assertThat(text(examine(), "positions"))
                .startsWith("FAILED")
                .contains("copied from another one", "outbox rebase");
        outbox.fill();
        outbox.sql().execute("UPDATE checkpoint SET system_identifier = 1 WHERE channel = 'default'");
        assertThat(text(examine(), "positions")).startsWith("FAILED").contains("lanes=default/0");
    }

    @Test
    void aSubscriptionThatWritesIntoTheOutboxIsNamed() throws SQLException {
        outbox.sql()
                .execute("CREATE SUBSCRIPTION doctor_it CONNECTION 'dbname=nowhere' PUBLICATION p"
                        + " WITH (connect = false, slot_name = NONE, enabled = false)");
        try {
            outbox.sql()
                    .execute(
                            "INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate)"
                                    + " SELECT oid, 'message_0'::regclass, 'r' FROM pg_subscription WHERE subname = 'doctor_it'");
            assertThat(text(examine(), "replication")).startsWith("FAILED").contains("doctor_it into message_0");
        } finally {
            outbox.sql().execute("DROP SUBSCRIPTION doctor_it");
        }
    }

    @Test
    void aRingThatDoesNotTurnIsTold() throws SQLException {
        outbox.sql().execute("UPDATE segment_log SET opened_at = clock_timestamp() - interval '2 days'");
        assertThat(text(examine(), "ring")).startsWith("WARNING").contains("due to be closed", "nobody does it");
        outbox.sql().execute("INSERT INTO message (segment, topic, key, type) VALUES (1, 'orders', 'k', 'a.b')");
        assertThat(text(examine(), "ring")).startsWith("WARNING").contains("the next one, 1, is not empty");
        outbox.sql()
                .execute(
                        "UPDATE segment_log SET opened_at = clock_timestamp();"
                                + " INSERT INTO segment_log (no, segment, closed_at) VALUES (-3, 1, clock_timestamp() - interval '4 days')");
        assertThat(text(examine(), "ring")).startsWith("WARNING").contains("segment 1 is past retention");
        outbox.sql()
                .execute("INSERT INTO message (channel, topic, key, type) VALUES ('misspelt', 'orders', 'k', 'a.b')");
        assertThat(text(examine(), "channels")).startsWith("WARNING").contains("misspelt");
    }

    @Test
    void lanesThatNobodyLooksAfterAreTold() throws SQLException {
        outbox.sql().execute("""
                UPDATE relay SET seen_at = clock_timestamp() - interval '1 minute';
                UPDATE lane SET lease_until = clock_timestamp() - interval '1 minute' WHERE channel = 'default';
                UPDATE lane SET owner = NULL, lease_until = NULL WHERE channel = 'quiet';
                INSERT INTO lane (channel, generation, lane, lanes, owner, lease_until, trouble, trouble_since)
                VALUES ('troubled', 1, 0, 1, 'relay-1', clock_timestamp() + interval '1 hour', 'Kafka is away', clock_timestamp());
                INSERT INTO lane (channel, generation, lane, lanes, paused_at, pause_reason)
                VALUES ('paused', 1, 0, 1, clock_timestamp(), 'for the night');
                """);
        List<Finding> findings = examine();
        assertThat(text(findings, "relays")).startsWith("WARNING").contains("relay-1 (last seen ");
        assertThat(text(findings, "lanes"))
                .contains("nobody took over: default/0 (relay-1 until ")
                .contains("without an owner, is a relay for it running: quiet/0")
                .contains("in trouble: troubled/0 (Kafka is away, since ")
                .contains("paused: paused/0 (for the night)");
        assertThat(findings).noneMatch(finding -> finding.state() == Finding.State.FAILED);
    }

    @Test
    void whatStandsInBetweenIsNoticed() throws IOException {
        try (FakePooler pooler =
                FakePooler.before(database.server().host(), database.server().port())) {
            List<Finding> findings = examine("--outbox.database.url=jdbc:postgresql://127.0.0.1:" + pooler.port() + "/"
                    + database.name() + "?sslmode=disable&gssEncMode=disable");
            assertThat(text(findings, "database")).startsWith("WARNING").contains("as a pooler does");
        }
    }

    @Test
    void kafkasLimitsAreHeldAgainstOurs() {
        List<Finding> findings = examine();
        assertThat(text(findings, "kafka limits"))
                .startsWith("OK")
                .contains("message.max.bytes=1048588", "max.request.size=1048576");
        assertThat(text(findings, "kafka topics")).startsWith("WARNING").contains("auto.create.topics.enable=true");
        assertThat(text(examine("--outbox.kafka.properties.max.request.size=2000000"), "kafka limits"))
                .startsWith("WARNING")
                .contains("max.request.size=2000000");
    }

    private List<Finding> examine(String... settings) {
        return examineAs(database.user(), database.password(), settings);
    }

    private List<Finding> examineAs(String user, String password, String... settings) {
        List<String> all = new ArrayList<>(List.of(settings));
        if (all.stream().noneMatch(setting -> setting.startsWith("--outbox.database.url="))) {
            all.add("--outbox.database.url=" + database.jdbcUrl());
        }
        all.add("--outbox.database.user=" + user);
        all.add("--outbox.database.password=" + password);
        all.add("--outbox.kafka.bootstrap-servers=" + kafka.bootstrapServers());
        return Doctor.examine(Settings.load(all, Optional.empty()).forRelay());
    }

    /** State and text of what was found about a subject. */
    private static String text(List<Finding> findings, String subject) {
        return String.join(
                "\n",
                findings.stream()
                        .filter(finding -> finding.subject().equals(subject))
                        .map(finding -> String.format(Locale.ROOT, "%s %s", finding.state(), finding.text()))
                        .toList());
    }
}
