package dev.outbox.relay.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.relay.ops.TestOutbox;
import dev.outbox.testkit.JavaProcess;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(OutboxServers.class)
class ApplicationIT {

    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private final TestDatabase database;
    private final KafkaServer kafka;
    private final TestOutbox outbox;
    private final String topic = KafkaServer.uniqueTopic("application");

    @TempDir
    Path directory;

    ApplicationIT(TestDatabase database, KafkaServer kafka) {
        this.database = database;
        this.kafka = kafka;
        this.outbox = new TestOutbox(database, kafka);
    }

    @BeforeEach
    void emptyOutbox() {
        outbox.reset();
    }

    @Test
    void stopsInOrderWhileItIsBusyAndLosesNothing() throws SQLException {
        outbox.execute(TestOutbox.insert(topic, "k", 100_000));
        try (JavaProcess relay = JavaProcess.start(Application.command(database, kafka, "run"))) {
            relay.awaitLine("Relay is running: id=.*, channels=default/1, database=jdbc:postgresql:", PATIENCE);
            outbox.published(topic, 1);
            assertThat(relay.stop(PATIENCE)).as(relay::output).isZero();
            assertThat(relay.output())
                    .contains("Relay is stopping", "Lane left: lane=default/0, why=the relay stops")
                    .contains("Relay has stopped: inOrder=true");
        }
        assertThat(outbox.number("SELECT count(*) FROM lane WHERE owner IS NULL"))
                .isEqualTo(1);
        assertThat(outbox.number("SELECT count(*) FROM relay")).isZero();
        // Without a command it runs.
        try (JavaProcess relay = JavaProcess.start(Application.command(database, kafka))) {
            assertThat(outbox.published(topic, 100_000)).hasSize(100_000).doesNotHaveDuplicates();
            assertThat(relay.stop(PATIENCE)).isZero();
        }
    }

    @Test
    void namesEveryWrongSettingAtOnceAndStartsNothing() throws IOException {
        Path file = Files.writeString(directory.resolve("relay.yml"), """
                outbox:
                  database:
                    url: postgres://db/shop
                    pasword: very-secret
                  relay:
                    lease: 10
                  channels:
                    orders:
                      lanes: 1000
                  kafka:
                    properties:
                      acks: 1
                """);
        Application.Ended ended = Application.run(Application.command("run", "--config", file.toString())
                .withEnvironment("OUTBOX_RELAY_POLLMIN", "2s")
                .withEnvironment("KAFKA_BROKERS", "nowhere"));
        assertThat(ended.exitCode()).as(ended.output()).isEqualTo(ExitCode.WRONG_SETTINGS);
        assertThat(ended.output())
                .contains("problems=8")
                .contains("outbox.database.url=postgres://db/shop (" + file + ":3) is not a JDBC URL")
                .contains("outbox.database.pasword (" + file
                        + ":4) is not a setting; did you mean outbox.database.password?")
                .contains("outbox.database.user is missing")
                .contains("outbox.relay.lease=10 (" + file + ":6) is not a duration")
                .contains("outbox.relay.poll-min=2s (environment variable OUTBOX_RELAY_POLLMIN) contradicts")
                .contains("outbox.channels.orders.lanes=1000 (" + file + ":9) is too large; the most is 256")
                .contains(
                        "outbox.kafka.properties.acks (" + file + ":12) is refused: Kafka property is set by the relay")
                .contains("outbox.kafka.bootstrap-servers=nowhere (environment variable KAFKA_BROKERS)")
                .doesNotContain("very-secret", "Relay is running", "\tat ");
    }

    @Test
    void anArgumentCountsMoreThanAVariableAndAVariableMoreThanAFile() throws IOException {
        Path file = Files.writeString(directory.resolve("relay.yml"), """
                outbox:
                  database:
                    schema: from_file
                    password: very-secret
                  relay:
                    lease: 3s
                    checkpoint-interval: 50ms
                """);
        Application.Ended ended =
                Application.run(Application.command("config", "--config", file.toString(), "--outbox.relay.lease=5s")
                        .withEnvironment("OUTBOX_RELAY_LEASE", "4s")
                        .withEnvironment("OUTBOX_RELAY_CHECKPOINT_INTERVAL", "60ms"));
        assertThat(ended.output())
                .containsPattern("outbox.database.schema=from_file\\s+from: .*relay.yml:3")
                .containsPattern(
                        "outbox.relay.checkpoint-interval=60ms\\s+from: environment variable OUTBOX_RELAY_CHECK")
                .containsPattern("outbox.relay.lease=5s\\s+from: argument\\s+default: 10s\\s+range: 500ms to 1h")
                .contains("outbox.database.password=******")
                .doesNotContain("very-secret");
        assertThat(ended.exitCode()).isEqualTo(ExitCode.WRONG_SETTINGS); // the rest is missing
    }

    @Test
    void makesTheSchemaAndThenFindsNothingToComplainAbout() {
        database.execute("DROP SCHEMA outbox CASCADE");
        Application.Ended without = Application.run(Application.command(database, kafka, "doctor"));
        assertThat(without.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(without.output()).contains("run 'outbox migrate'").doesNotContain("\tat ");

        Application.Ended migrated = Application.run(Application.command(database, kafka, "migrate"));
        assertThat(migrated.exitCode()).as(migrated.output()).isZero();

        Application.Ended with = Application.run(Application.command(database, kafka, "doctor"));
        assertThat(with.exitCode()).as(with.output()).isZero();
        assertThat(with.output())
                .containsPattern("OK +settings")
                .containsPattern("OK +database +PostgreSQL")
                .containsPattern("OK +schema +version \\d+")
                .containsPattern("OK +kafka +answers")
                .doesNotContain("FAILED");
        // A test's role is a superuser, and a test's Kafka makes topics.
        assertThat(with.output().lines().filter(line -> line.startsWith("WARNING")))
                .allMatch(line -> line.matches("WARNING +(rights|kafka topics) .*"));
    }

    @Test
    void saysInALineEachWhichServerDoesNotAnswer() {
        Application.Ended ended = Application.run(Application.command(
                "doctor",
                "--outbox.database.url=jdbc:postgresql://127.0.0.1:1/nowhere",
                "--outbox.database.user=u",
                "--outbox.database.password=very-secret",
                "--outbox.kafka.bootstrap-servers=127.0.0.1:1"));
        assertThat(ended.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(ended.output().lines())
                .hasSize(3)
                .anyMatch(line -> line.matches("FAILED +database +cannot be used: .*refused.*"))
                .anyMatch(line -> line.matches("FAILED +kafka +does not answer, servers=127.0.0.1:1, .*"))
                .noneMatch(line -> line.contains("very-secret"));
    }

    @Test
    void logsPlainLinesWithoutTheClientsOwnAccounts() {
        try (JavaProcess relay = JavaProcess.start(Application.command(database, kafka, "run"))) {
            String line = relay.awaitLine("Lane publishes: lane=default/0", PATIENCE);
            assertThat(line)
                    .matches("\\d{4}-\\d\\d-\\d\\dT[0-9:.]{12}\\S+ INFO +\\[outbox-lane-default/0] Relay: Lane .*");
            assertThat(relay.stop(PATIENCE)).isZero();
            assertThat(relay.output())
                    .doesNotContain("ProducerConfig values", "password=" + database.password(), "DEBUG");
        }
    }

    @Test
    void tellsItsVersionAndHowItIsUsed() {
        assertThat(Application.run(Application.command("--version")).output())
                .matches("(?s)outbox \\d+\\.\\d+\\.\\d+.*");
        Application.Ended help = Application.run(Application.command("rebase", "--help"));
        assertThat(help.exitCode()).isZero();
        assertThat(help.output()).contains("--keep-position", "--since", "--dry-run", "--reason");
        assertThat(Application.run(Application.command("reebase")).exitCode()).isEqualTo(ExitCode.WRONG_SETTINGS);
    }
}
