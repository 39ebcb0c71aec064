package dev.outbox.relay.cli;

import static dev.outbox.relay.cli.OperatedOutbox.id;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.relay.Patience;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@ExtendWith(OutboxServers.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CommandsIT {

    private static final Screen TERMINAL = new Screen(true, true, OptionalInt.of(100));
    private static final String UNKNOWN = "01a20eac-4c12-7000-8000-999999999999";

    private final KafkaServer kafka;
    private final OperatedOutbox outbox;

    CommandsIT(TestDatabase database, KafkaServer kafka) {
        this.kafka = kafka;
        this.outbox = new OperatedOutbox(database, kafka);
    }

    @BeforeAll
    void makeOutbox() {
        outbox.sql().reset();
    }

    @BeforeEach
    void fillOutbox() throws SQLException {
        outbox.fill();
    }

    @Test
    void statusTellsHowEachLaneIsDoing() {
        String text = done("status");
        assertThat(text.lines())
                .hasSize(5)
                .anyMatch(line -> line.matches("LANE +STATE +PENDING +OLDEST +PUBLISHED .*"))
                .anyMatch(line -> line.matches("default/0 +RUNNING +3 +\\S+ +16 +2 +1 +2 +1 .*relay-1 .*"))
                .anyMatch(line -> line.matches("misspelt +NO LANES +1 .*"))
                .anyMatch(line -> line.matches("quiet/0 +PAUSED +0 .*for the night.*"))
                .anyMatch(line -> line.equals("3 lanes"));
        JsonNode rows = json("status");
        assertThat(rows.size()).isEqualTo(3);
        assertThat(rows.get(0).get("channel").asString()).isEqualTo("default");
        assertThat(rows.get(0).get("oldestAge").isNumber()).isTrue();
        assertThat(rows.get(0).get("checkpointAt").asString()).endsWith("Z");
        assertThat(rows.get(1).get("lane").isNull()).isTrue();
    }

    @Test
    void lagTellsHowFarEachLaneIsBehind() {
        assertThat(done("lag"))
                .containsPattern("default/0 +3 ")
                .containsPattern("quiet/0 +0 ")
                .contains("2 lanes");
        assertThat(json("lag").get(0).get("pending").asInt()).isEqualTo(3);
    }

    @Test
    void messagesAreFoundPageByPage() {
        String first = done("messages", "--topic", "orders", "--key", "k1", "--max", "2");
        assertThat(first)
                .contains(id(16), id(11), "2 messages", "More: --before 11")
                .doesNotContain(id(6));
        assertThat(done("messages", "--topic", "orders", "--key", "k1", "--max", "2", "--before", "11"))
                .contains(id(6), id(1));
        JsonNode some = json("messages", "--since", "2026-01-31T10:00:05Z", "--until", "2026-01-31T11:00:07+01:00");
        assertThat(some.size()).isEqualTo(2);
        assertThat(some.get(1).get("id").asString()).isEqualTo(id(5));
        assertThat(done("messages", "--type", "nothing.like.it")).isEqualTo("0 messages\n");
    }

    @Test
    void showTellsEverythingOfAMessage() {
        assertThat(done("show", id(3)))
                .containsPattern("status +DEAD")
                .containsPattern("last error +RecordTooLargeException: The message has 2000000 bytes")
                .containsPattern("headers +\\{\"traceparent\" : \"00-1-2-3\"}")
                .containsPattern("payload +\\{\"n\" : 3}")
                .contains("3 failed attempts");
        assertThat(done("show", id(3), "--no-content")).contains("DEAD").doesNotContain("payload", "traceparent");
        JsonNode shown = json("show", id(3)).get(0);
        assertThat(shown.get("status").get("status").asString()).isEqualTo("DEAD");
        assertThat(shown.get("message").get("payload").asString()).isEqualTo("{\"n\" : 3}");
        assertThat(shown.get("message").get("headers").get("traceparent").asString())
                .isEqualTo("00-1-2-3");
        assertThat(shown.get("attempts").size()).isEqualTo(3);
        assertThat(done("show", id(1))).containsPattern("status +PUBLISHED").containsPattern("published to .*orders-0");
    }

    @Test
    void whySaysItInWords() {
        assertThat(done("why", id(8))).contains(id(3));
        assertThat(done("why", UNKNOWN)).contains(UNKNOWN);
        assertThat(json("why", id(3)).get(0).get("why").asString()).contains("dead");
    }

    @Test
    void parkedAndHeldTellWhatWaitsForWhat() {
        assertThat(done("parked"))
                .containsPattern(id(3) + " +DEAD +default/0 +orders +k3 .* 3 .*RecordTooLargeException: The message")
                .containsPattern(id(8) + " +HELD .*held behind seq 3")
                .contains("6 parked messages");
        assertThat(json("parked", "--state", "HELD", "--topic", "orders").size())
                .isEqualTo(2);
        assertThat(json("parked", "--error", "InvalidRecordException").size()).isEqualTo(1);
        assertThat(json("parked", "--id", id(3), "--id", id(4)).size()).isEqualTo(2);
        assertThat(done("parked", "--max", "2")).contains("2 parked messages", "There may be more");
        assertThat(done("held"))
                .containsPattern("default +orders +k3 +2 .*" + id(3) + " +DEAD")
                .containsPattern("default +invoices +- +2 .*WAITING");
        assertThat(json("held").size()).isEqualTo(3);
    }

    @Test
    void retryHasTheHeadTriedAgainAtOnce() throws SQLException {
        assertThat(done("retry", "--id", id(3), "--reason", "limit raised"))
                .contains("1 message will be tried again at once", "outbox why " + id(3));
        assertThat(outbox.sql()
                        .query("SELECT state FROM parked WHERE seq = 3 AND next_attempt_at <= clock_timestamp()"))
                .containsExactly("RETRYING");
        assertThat(done("retry", "--all", "--reason", "all mended"))
                .contains("2 messages will be tried again", "2 messages more wait for their topic");
        JsonNode result =
                json("retry", "--topic", "orders", "--reason", "again").get(0);
        assertThat(result.get("matched").asInt()).isEqualTo(2);
        assertThat(outbox.sql().number("SELECT count(*) FROM audit WHERE operation = 'retry'"))
                .isEqualTo(3);
    }

    @Test
    void discardGivesUpAndSaysWhoDidIt() throws SQLException {
        assertThat(done("discard", "--state", "DEAD", "--actor", "mary@desk", "--reason", "ticket 815"))
                .contains("1 message discarded");
        assertThat(outbox.sql().query("SELECT resolution || ', ' || resolved_by FROM parked WHERE state = 'RESOLVED'"))
                .singleElement()
                .asString()
                .startsWith("discarded: ticket 815, mary@desk as ");
        assertThat(json("parked", "--state", "RESOLVED").size()).isEqualTo(1);
        assertThat(done("discard", "--id", id(4), "--reason", "by hand")).contains("outbox why " + id(4));
        assertThat(outbox.sql().query("SELECT on_behalf_of FROM audit ORDER BY id"))
                .containsExactly("mary@desk", Output.ownName());
    }

    @Test
    void pauseAndResumeStopAndStartALane() throws SQLException {
        assertThat(done("pause", "default/0", "--reason", "looking")).contains("1 lane paused", "outbox status");
        assertThat(outbox.sql().query("SELECT pause_reason FROM lane WHERE channel = 'default'"))
                .containsExactly("looking");
        assertThat(done("resume", "default", "--reason", "seen")).contains("1 lane resumed");
        assertThat(outbox.sql().number("SELECT count(*) FROM lane WHERE channel = 'default' AND paused_at IS NULL"))
                .isEqualTo(1);
    }

    @Test
    void rotateMovesWritersOn() throws SQLException {
        assertThat(done("rotate", "--reason", "import is through")).contains("segment 0 closed, segment 1 in use");
        assertThat(outbox.sql().number("SELECT last_value FROM segment_seq")).isEqualTo(1);
        assertThat(json("rotate", "--reason", "again").get(0).get("toSegment").asInt())
                .isEqualTo(2);
    }

    @Test
    void replayIsAskedForSeenAndCancelled() throws SQLException {
        String replay = json("replay", "--key", "k1", "--rate", "5", "--reason", "lost")
                .get(0)
                .get("replayId")
                .asString();
        assertThat(done("replays"))
                .containsPattern(replay + " +RUNNING +0 +4 +0 +5 +default +key k1 +- .*lost")
                .contains("1 replay\n");
        assertThat(done("cancel-replay", replay, "--reason", "enough")).contains("1 replay cancelled");
        assertThat(json("replays").get(0).get("state").asString()).isEqualTo("CANCELLED");
        assertThat(done("replay", "--id", id(1), "--reason", "once more"))
                .contains("1 message will be published again, replay-id=", "outbox replays");
    }

    @Test
    void replayToATopicThatIsNotThereIsRefusedWhereTheBrokerIsKnown() throws SQLException {
        List<String> before = outbox.rows();
        String missing = KafkaServer.uniqueTopic("missing");
        String servers = "--outbox.kafka.bootstrap-servers=" + kafka.bootstrapServers();
        OperatedOutbox.Ran refused =
                outbox.run("replay", "--all", "--to-topic", missing, "--reason", "lost", "--json", servers);
        assertThat(refused.exitCode()).as(refused.errors()).isEqualTo(ExitCode.REFUSED);
        assertThat(refused.errors().lines()).singleElement().asString().contains(missing, "make it first");
        assertThat(refused.output()).isEmpty();
        assertThat(outbox.rows()).isEqualTo(before);

        String there = KafkaServer.uniqueTopic("there");
        kafka.createTopic(there, 1, Map.of());
        assertThat(done("replay", "--all", "--to-topic", there, "--reason", "lost", servers))
                .contains("16 messages will be published again");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "retry --all",
                "discard --all",
                "replay --all",
                "pause default",
                "resume quiet/0",
                "rotate",
            })
    void aDryRunChangesNothing(String command) throws SQLException {
        List<String> before = outbox.rows();
        String text = done((command + " --dry-run --reason test").split(" "));
        assertThat(text).startsWith("Dry run, nothing was changed: ").doesNotContain("Look at");
        assertThat(outbox.rows()).isEqualTo(before);
    }

    record Bad(int exitCode, String says, List<String> arguments) {
        @Override
        public String toString() {
            return String.join(" ", arguments);
        }
    }

    private static Bad bad(int exitCode, String says, String... arguments) {
        return new Bad(exitCode, says, List.of(arguments));
    }

    static List<Bad> badInput() {
        String injection = "x'; DROP TABLE outbox.parked; --";
        return List.of(
                bad(2, "Missing required option: '--reason=TEXT'", "discard", "--id", id(3)),
                bad(2, "--reason", "retry", "--all", "--reason", " "),
                bad(2, "--reason", "pause", "default", "--reason", "r".repeat(2001)),
                bad(2, "not an id: '4711'; write a UUID", "why", "4711"),
                bad(2, "not an id", "show", "1-1-1-1-1"),
                bad(2, "not an id", "retry", "--id", injection, "--reason", "r"),
                bad(2, "Missing required parameter: 'ID'", "why"),
                bad(2, "--max", "parked", "--max", "-1"),
                bad(2, "'--max': -1; give 1 to 100000", "retry", "--all", "--reason", "r", "--max=-1"),
                bad(2, "'--max'", "messages", "--max", "many"),
                bad(2, "give 1 to 10000", "messages", "--max", "10001"),
                bad(2, "not a time: 'tomorrow'; write 2026-01-31", "messages", "--since", "tomorrow"),
                bad(2, "not a time", "replay", "--since", "2026-02-31", "--reason", "r"),
                bad(2, "rate", "replay", "--all", "--rate", "0", "--reason", "r"),
                bad(2, "--all", "retry", "--reason", "r"),
                bad(2, "--all", "discard", "--reason", "r"),
                bad(2, "--all", "replay", "--reason", "r"),
                bad(2, "state", "discard", "--state", "GONE", "--reason", "r"),
                bad(2, "Actor is not valid", "rotate", "--reason", "r", "--actor", "a".repeat(256)),
                bad(2, "did you mean status?", "statsu"),
                bad(2, "Unknown option: '--jsn'", "status", "--jsn"),
                bad(2, "seconds", "status", "--watch", "0"),
                bad(4, UNKNOWN, "show", UNKNOWN),
                bad(4, UNKNOWN, "retry", "--id", UNKNOWN, "--reason", "r"),
                bad(4, UNKNOWN, "discard", "--id", id(3), "--id", UNKNOWN, "--reason", "r"),
                bad(4, UNKNOWN, "replay", "--id", UNKNOWN, "--reason", "r"),
                bad(4, UNKNOWN, "cancel-replay", UNKNOWN, "--reason", "r"),
                bad(4, id(1), "retry", "--id", id(1), "--reason", "r"),
                bad(4, id(3), "retry", "--id", id(8), "--reason", "r"),
                bad(4, id(23), "replay", "--id", id(23), "--reason", "r"),
                bad(4, "nothing matches", "retry", "--topic", "no-such-topic", "--reason", "r"),
                bad(4, "nothing matches", "discard", "--error", "no.such.Error", "--reason", "r"),
                bad(4, "nothing matches", "replay", "--key", "no-such-key", "--reason", "r"),
                bad(4, "nothing matches", "discard", "--key", injection, "--reason", "r"),
                bad(4, "6 messages match, --max is 2", "discard", "--all", "--reason", "r", "--max", "2"),
                bad(4, "nowhere", "pause", "nowhere", "--reason", "r"),
                bad(4, "default", "pause", "default/7", "--reason", "r"),
                bad(4, "DROP TABLE", "resume", injection, "--reason", "r"));
    }

    @ParameterizedTest
    @MethodSource
    void badInput(Bad bad) throws SQLException {
        List<String> before = outbox.rows();
        OperatedOutbox.Ran ran = outbox.run(bad.arguments().toArray(String[]::new));
        assertThat(ran.errors().lines())
                .as(ran.errors())
                .singleElement()
                .asString()
                .contains(bad.says());
        assertThat(ran.exitCode()).as(ran.errors()).isEqualTo(bad.exitCode());
        assertThat(ran.output()).isEmpty();
        assertThat(outbox.rows()).isEqualTo(before);
    }

    @Test
    void anAuditorSeesEverythingButContentAndAnOperatorChangesWhatHeMay() throws SQLException, IOException {
        outbox.makeLogin("commands_it_auditor", "outbox_auditor");
        outbox.makeLogin("commands_it_operator", "outbox_operator");
        List<List<String>> looks = List.of(
                List.of("status"),
                List.of("lag"),
                List.of("messages"),
                List.of("show", id(3), "--no-content"),
                List.of("why", id(8)),
                List.of("parked"),
                List.of("held"),
                List.of("replays"));
        for (List<String> look : looks) {
            String[] arguments = look.toArray(String[]::new);
            OperatedOutbox.Ran byOwner = outbox.run(arguments);
            for (String login : List.of("commands_it_auditor", "commands_it_operator")) {
                OperatedOutbox.Ran ran = outbox.runAs(login, arguments);
                assertThat(ran.exitCode()).as(ran.errors()).isZero();
                assertThat(ran.output().lines())
                        .hasSameSizeAs(byOwner.output().lines().toList());
            }
        }
        List<String> before = outbox.rows();
        for (String[] denied :
                List.of(new String[] {"show", id(3)}, new String[] {"retry", "--all", "--reason", "r"}, new String[] {
                    "rotate", "--reason", "r"
                })) {
            OperatedOutbox.Ran ran = outbox.runAs("commands_it_auditor", denied);
            assertThat(ran.exitCode()).isEqualTo(ExitCode.FAILED);
            assertThat(ran.errors().lines())
                    .singleElement()
                    .asString()
                    .contains(
                            "Role may not do this: operation=" + denied[0],
                            "needs outbox_auditor",
                            "permission denied");
        }
        assertThat(outbox.rows()).isEqualTo(before);
        assertThat(outbox.runAs("commands_it_operator", "show", id(3)).output()).contains("payload");
        assertThat(outbox.runAs("commands_it_operator", "retry", "--all", "--reason", "r")
                        .exitCode())
                .isZero();
        assertThat(outbox.sql().query("SELECT operator FROM audit")).containsExactly("commands_it_operator");
    }

    @Test
    void aDatabaseThatIsAwayIsToldInOneLine() {
        StringWriter err = new StringWriter();
        int code = OutboxMain.execute(
                new PrintWriter(new StringWriter(), true),
                new PrintWriter(err, true),
                Screen.NONE,
                "status",
                "--outbox.database.url=jdbc:postgresql://127.0.0.1:1/nowhere",
                "--outbox.database.user=u",
                "--outbox.database.password=very-secret");
        assertThat(code).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .contains("operation=status", "127.0.0.1:1", "refused")
                .doesNotContain("very-secret");
    }

    @Test
    void injectionIsOnlyAWord() throws SQLException {
        String word = "'; DROP TABLE outbox.message; --";
        assertThat(done("messages", "--topic", word)).isEqualTo("0 messages\n");
        assertThat(done("parked", "--error", word)).isEqualTo("0 parked messages\n");
        done("retry", "--id", id(3), "--reason", word, "--actor", word);
        assertThat(outbox.sql().query("SELECT reason || on_behalf_of FROM audit"))
                .containsExactly(word + word);
    }

    @Test
    void aSecondOperatorIsToldThatAnotherIsAtWork() throws SQLException {
        try (var connection = outbox.sql().connect();
                var statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SELECT * FROM pause('default', reason => 'the other one')");
            OperatedOutbox.Ran ran = outbox.run("retry", "--all", "--reason", "r");
            assertThat(ran.exitCode()).as(ran.errors()).isEqualTo(ExitCode.REFUSED);
            assertThat(ran.errors().lines()).hasSize(1);
            connection.rollback();
        }
        done("retry", "--all", "--reason", "r");
    }

    @Test
    void whatIsSomebodyElsesNeverReachesTheTerminalAsCommands() throws SQLException {
        outbox.sql()
                .execute(
                        "UPDATE parked SET last_error = E'\\x1b[2J\\nsecond line', key = E'\\x1b]0;title\\x07' WHERE seq = 3");
        assertThat(done("parked")).contains("?[2J second line").doesNotContain("\u001b");
        assertThat(done("show", id(3))).doesNotContain("\u001b", "\u0007");
        assertThat(json("parked").get(0).get("key").asString()).isEqualTo("\u001b]0;title\u0007");
    }

    @Test
    void coloursAreForTerminalsOnly() {
        assertThat(outbox.run(TERMINAL, "status").output()).contains("\u001b[32mRUNNING\u001b[0m");
        assertThat(outbox.run(new Screen(true, false, OptionalInt.empty()), "status")
                        .output())
                .doesNotContain("\u001b");
        assertThat(outbox.run(TERMINAL, "status", "--json").output()).doesNotContain("\u001b");
        assertThat(outbox.run(new Screen(true, false, OptionalInt.of(40)), "parked")
                        .output()
                        .lines())
                .anyMatch(line -> line.contains(id(3)) && line.endsWith("…"));
    }

    @Test
    void watchDrawsAnewUntilItIsInterrupted() throws Exception {
        StringWriter out = new StringWriter();
        CompletableFuture<Integer> code = new CompletableFuture<>();
        String[] arguments = outbox.withDatabase("status", "--watch", "1");
        Thread thread = new Thread(() -> code.complete(OutboxMain.execute(
                new PrintWriter(out, true), new PrintWriter(new StringWriter(), true), TERMINAL, arguments)));
        thread.start();
        Patience.await()
                .untilAsserted(() -> assertThat(out.toString().split("\u001b\\[H\u001b\\[2J"))
                        .hasSizeGreaterThan(2));
        outbox.sql().execute("ALTER TABLE lane RENAME TO lane_away");
        outbox.sql().execute("DROP VIEW status");
        Patience.await().untilAsserted(() -> assertThat(out.toString()).contains("Outbox is not there"));
        assertThat(code).isNotDone();
        thread.interrupt();
        assertThat(code.get()).isEqualTo(ExitCode.OK);
        outbox.sql().reset();
    }

    @Test
    void everyCommandHasExamplesAndTellsItsExitCodes() {
        List<String> commands = outbox.run("--help")
                .output()
                .lines()
                .filter(line -> line.matches("  [a-z-]+ {2,}.*"))
                .map(line -> line.strip().replaceAll(" .*", ""))
                .filter(name -> !name.startsWith("-"))
                .toList();
        assertThat(commands)
                .contains("run", "status", "why", "retry", "replay", "doctor", "completion")
                .hasSize(21);
        for (String command : commands) {
            OperatedOutbox.Ran help = outbox.run(command, "--help");
            assertThat(help.exitCode()).isZero();
            assertThat(help.output()).as(command).contains("Usage: outbox " + command, "4   refused");
            assertThat(help.output()
                            .substring(help.output().indexOf("Examples:"))
                            .lines())
                    .as(command)
                    .hasSize(3);
        }
    }

    @Test
    void completionNamesEveryCommand() {
        assertThat(done("completion")).contains("cancel-replay", "--to-topic", "complete -F");
    }

    private String done(String... arguments) {
        OperatedOutbox.Ran ran = outbox.run(arguments);
        assertThat(ran.exitCode()).as(ran.errors()).isZero();
        assertThat(ran.errors()).isEmpty();
        return ran.output().replace("\r\n", "\n");
    }

    private JsonNode json(String... arguments) {
        String[] all = Arrays.copyOf(arguments, arguments.length + 1);
        all[arguments.length] = "--json";
        JsonNode rows = new JsonMapper().readTree(done(all));
        assertThat(rows.isArray()).isTrue();
        return rows;
    }
}
