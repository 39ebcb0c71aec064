package dev.outbox.relay.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The operations in SQL, on the {@linkplain SqlOutbox#tenMessages ten messages}. */
@ExtendWith(OutboxServers.class)
class OperationsSqlIT {

    private static final String UNKNOWN = "00000000-0000-4000-8000-000000000000";

    /** Everything that an operation may change. */
    private static final String STATE = """
            SELECT 'parked', seq::text, state, next_attempt_at::text, resolution, resolved_by FROM parked
            UNION ALL SELECT 'lane', lane::text, paused_at::text, pause_reason, paused_by, null FROM lane
            UNION ALL SELECT 'replay', id::text, state, finished_at::text, null, null FROM replay
            UNION ALL SELECT 'segment_log', no::text, closed_at::text, null, null, null FROM segment_log
            UNION ALL SELECT 'segment_seq', last_value::text, null, null, null, null FROM segment_seq
            UNION ALL SELECT 'message', count(*)::text, null, null, null, null FROM message
            UNION ALL SELECT 'audit', count(*)::text, null, null, null, null FROM audit
            ORDER BY 1, 2
            """;

    private final SqlOutbox outbox;
    private final List<String> ids = new ArrayList<>();

    OperationsSqlIT(TestDatabase database) throws SQLException {
        this.outbox = new SqlOutbox(database);
    }

    @BeforeEach
    void tenMessages() throws SQLException {
        ids.clear();
        ids.addAll(outbox.tenMessages());
    }

    @AfterEach
    void disconnect() throws SQLException {
        outbox.close();
    }

    @Test
    void retriesTheHeadsThatAFilterMatches() throws SQLException {
        assertThat(outbox.query("SELECT * FROM retry(key => 'bad', reason => 'mended')"))
                .containsExactly("1|1");
        assertThat(outbox.query("""
                        SELECT seq, state, next_attempt_at <= clock_timestamp() FROM parked WHERE key IN ('bad', 'slow') ORDER BY seq
                        """)).containsExactly("1|RETRYING|t", "2|HELD|null", "3|HELD|null", "4|RETRYING|f");
        assertThat(outbox.query("SELECT * FROM retry(all_parked => true, reason => 'all')"))
                .containsExactly("3|2");
        assertThat(outbox.query("SELECT state FROM parked WHERE next_attempt_at > clock_timestamp()"))
                .isEmpty();
        assertThat(audit()).containsExactly("retry|mended|{\"key\": \"bad\"}|1|1", "retry|all|{}|3|2");
    }

    @Test
    void saysThatWhatWaitsForItsTopicNeedsNoRetry() throws SQLException {
        try (Connection connection = outbox.connect();
                PreparedStatement retry =
                        connection.prepareStatement("SELECT * FROM retry(topic => 'missing', reason => 'x')")) {
            retry.execute();
            assertThat(retry.getWarnings().getMessage())
                    .isEqualTo(
                            "1 messages wait for their topic, which is tried all the time: they go out by themselves");
        }
        assertThat(outbox.query("SELECT state, next_attempt_at FROM parked WHERE seq = 5"))
                .containsExactly("WAITING|null");
        assertThat(audit()).containsExactly("retry|x|{\"topic\": \"missing\"}|1|0");
    }

    @Test
    void discardsWhatAFilterMatchesAndSaysWhoAndWhy() throws SQLException {
        try (Connection connection = outbox.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("SET outbox.actor = 'anna'");
            String user = SqlOutbox.query(connection, "SELECT session_user").get(0);
            assertThat(SqlOutbox.query(
                            connection,
                            "SELECT * FROM discard(state => 'DEAD', channel => 'default', reason => 'broken')"))
                    .containsExactly("1|1");
            assertThat(SqlOutbox.query(
                            connection,
                            "SELECT resolution, resolved_by, state, resolved_at IS NULL FROM parked WHERE seq = 1"))
                    .containsExactly("discarded: broken|anna as " + user + "|RESOLVED|f");
            assertThat(SqlOutbox.query(connection, "SELECT operator, on_behalf_of FROM audit"))
                    .containsExactly(user + "|anna");
        }
        assertThat(outbox.query(
                        "SELECT * FROM discard(ids => ARRAY[?::uuid, ?::uuid], reason => 'x')", ids.get(1), ids.get(4)))
                .containsExactly("2|2");
        assertThat(outbox.query("SELECT * FROM discard(error_class => 'RecordTooLargeException', reason => 'x')"))
                .containsExactly("1|1");
        assertThat(outbox.query("SELECT seq FROM parked WHERE resolved_at IS NULL"))
                .containsExactly("3");
        assertThat(outbox.query("SELECT next_attempt_at FROM parked WHERE seq = 4"))
                .containsExactly("null");
    }

    @Test
    void asksForAReplayAndCancelsIt() throws SQLException {
        String id = outbox.query(
                        "SELECT replay_id FROM replay(key => 'good', to_topic => 'copy', rate => 50, reason => 'lost there')")
                .get(0);
        assertThat(outbox.query(
                        "SELECT id, channel, filter, to_topic, rate, matched, published, state, reason FROM replays"))
                .containsExactly(id + "|default|key good|copy|50|3|0|RUNNING|lost there");
        assertThat(outbox.query("SELECT first_seq, last_seq FROM replay")).containsExactly("6|8");
        assertThat(outbox.query("SELECT matched FROM replay(ids => ARRAY[?::uuid], reason => 'x')", ids.get(6)))
                .containsExactly("1");
        assertThat(outbox.query("SELECT matched FROM replay(all_messages => true, reason => 'x')"))
                .containsExactly("3");
        assertThat(outbox.query(
                        "SELECT matched FROM replay(type => 'order.created', since => '2020-01-01Z', reason => 'x')"))
                .containsExactly("3");
        assertThat(outbox.query("SELECT * FROM cancel_replay(?::uuid, 'enough')", id))
                .containsExactly("1|1");
        assertThat(outbox.query("SELECT state, finished_at IS NULL FROM replay WHERE id = ?::uuid", id))
                .containsExactly("CANCELLED|f");
        assertThat(outbox.refusal("SELECT * FROM cancel_replay(?::uuid, 'enough')", id))
                .matches("OB003 replay " + id + " is cancelled since .* / Only a running replay can be cancelled\\.");
        assertThat(outbox.query("SELECT operation FROM audit ORDER BY id"))
                .containsExactly("replay", "replay", "replay", "replay", "cancel_replay");
    }

    @Test
    void manyIdsAreFoundAtOnceForAReplay() throws SQLException {
        List<String> many = outbox.append("orders", "many", 500);
        outbox.checkpoint();
        String array = "{" + String.join(",", many) + "}";
        assertThat(outbox.query("SELECT matched FROM replay(ids => ?::uuid[], reason => 'x')", array))
                .containsExactly("500");
        assertThat(outbox.refusal(
                        "SELECT matched FROM replay(ids => ?::uuid[] || ?::uuid, reason => 'x')", array, UNKNOWN))
                .startsWith("OB002 there is no message " + UNKNOWN + ", or retention has removed it / ");
    }

    @Test
    void pausesAndResumesLanes() throws SQLException {
        assertThat(outbox.query("SELECT * FROM pause('default', 1, 'broker moves')"))
                .containsExactly("1|1");
        assertThat(
                        outbox.query(
                                "SELECT lane, state, detail LIKE 'broker moves (by %)' FROM status WHERE channel = 'default' ORDER BY lane"))
                .containsExactly("0|NO OWNER|null", "1|PAUSED|t");
        assertThat(outbox.query("SELECT * FROM pause('default', reason => 'all of it')"))
                .containsExactly("2|1");
        assertThat(outbox.query("SELECT pause_reason FROM lane ORDER BY lane"))
                .containsExactly("all of it", "broker moves");
        assertThat(outbox.query("SELECT * FROM resume('default', reason => 'moved')"))
                .containsExactly("2|2");
        assertThat(outbox.query("SELECT paused_at, pause_reason, paused_by FROM lane"))
                .containsExactly("null|null|null", "null|null|null");
        assertThat(outbox.query("SELECT operation, arguments, matched, changed FROM audit ORDER BY id"))
                .containsExactly(
                        "pause|{\"lane\": 1, \"channel\": \"default\"}|1|1",
                        "pause|{\"channel\": \"default\"}|2|1",
                        "resume|{\"channel\": \"default\"}|2|2");
    }

    @Test
    void rotatesOnlyIntoAnEmptySegment() throws SQLException {
        for (int segment = 0; segment < 3; segment++) {
            assertThat(outbox.query("SELECT * FROM rotate('test')")).containsExactly(segment + "|" + (segment + 1));
        }
        assertThat(outbox.refusal("SELECT * FROM rotate('test')"))
                .startsWith("OB003 segment 0, which is next, is not empty / ");
        assertThat(outbox.query("SELECT no, closed_at IS NULL FROM segment_log ORDER BY no"))
                .containsExactly("0|f", "1|f", "2|f", "3|t");
        outbox.append("orders", "k", 1);
        assertThat(outbox.query("SELECT count(*) FROM message_3")).containsExactly("1");
        assertThat(outbox.query("SELECT count(*) FROM audit")).containsExactly("3");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            retry(all_parked => true, reason => 'x', dry_run => true)            | 3|0
            discard(topic => 'orders', reason => 'x', dry_run => true)           | 4|0
            replay(topic => 'orders', reason => 'x', dry_run => true)            | null|3
            pause('default', reason => 'x', dry_run => true)                     | 2|0
            pause('default', reason => 'x', dry_run => null)                     | 2|0
            rotate('x', dry_run => true)                                         | 0|1
            """)
    void aDryRunCountsAndChangesNothing(String call, String first, String second) throws SQLException {
        List<String> before = outbox.query(STATE);
        assertThat(outbox.query("SELECT * FROM " + call)).containsExactly(first + "|" + second);
        assertThat(outbox.query(STATE)).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "retry(key => 'bad') > OB001 no reason was given / Say why: reason => '...'; it is kept in audit.",
                "retry(key => 'bad', reason => E' \\t\\n') > OB001 no reason was given / Say why: reason => '...'; it is kept in audit.",
                "discard(key => 'bad', reason => '') > OB001 no reason was given / Say why: reason => '...'; it is kept in audit.",
                "discard(key => 'bad', reason => repeat('x', 2001)) > OB001 reason has 2001 bytes / Give 1 to 2000 bytes.",
                "retry(reason => 'x') > OB001 the filter is empty / Say which messages are meant, or all_parked => true (--all) for every parked one.",
                "discard(reason => 'x') > OB001 the filter is empty / Say which messages are meant, or all_parked => true (--all) for every parked one.",
                "replay(reason => 'x') > OB001 the filter is empty / Say which messages are meant, or all_messages => true (--all) for everything of the channel.",
                "retry(topic => '', reason => 'x') > OB001 topic has 0 bytes / Give 1 to 249 bytes.",
                "retry(channel => repeat('x', 64), reason => 'x') > OB001 channel has 64 bytes / Give 1 to 63 bytes.",
                "retry(ids => '{}', reason => 'x') > OB001 0 ids were given / Give a list of 1 to 10000 ids.",
                "retry(ids => '{null}', reason => 'x') > OB001 an id is null / Give ids of messages.",
                "discard(state => 'dead', reason => 'x') > OB001 state is 'dead' / Give WAITING, RETRYING, HELD or DEAD.",
                "retry(key => 'bad', reason => 'x', max_rows => 0) > OB001 max_rows is 0 / Give 1 to 100000.",
                "replay(all_messages => true, rate => 0, reason => 'x') > OB001 rate is 0 / Give 1 to 1000000 messages a second.",
                "replay(all_messages => true, rate => null, reason => 'x') > OB001 rate is null / Give 1 to 1000000 messages a second.",
                "replay(channel => null, topic => 'orders', reason => 'x') > OB001 no channel was given / Give channel => 'default'.",
                "replay(to_topic => '', topic => 'orders', reason => 'x') > OB001 to_topic has 0 bytes / Give 1 to 249 bytes.",
                "replay(since => '2026-01-02Z', until => '2026-01-01Z', reason => 'x') > OB001 since 2026-01-02T00:00:00Z is not before until 2026-01-01T00:00:00Z / since is the first moment that is meant, until the first that is not any more.",
                "retry(key => 'other', reason => 'x') > OB002 nothing matches: key 'other' / The views held_keys and pending_by_key show what is there.",
                "discard(key => 'bad', type => 'other', reason => 'x') > OB002 nothing matches: key 'bad', type 'other' / The views held_keys and pending_by_key show what is there.",
                "replay(key => 'late', reason => 'x') > OB002 nothing matches: key 'late', channel 'default' / find_messages shows what is still there; what is pending or parked is not replayed.",
                "replay(channel => 'none', all_messages => true, reason => 'x') > OB002 channel 'none' has no lanes / No relay has ever served it, so nothing of it was published; the view status shows the channels.",
                "pause('none', reason => 'x') > OB002 there is no lane 'none' / The view status shows the channels and their lanes.",
                "pause('default', 2, 'x') > OB002 there is no lane 'default/2' / The view status shows the channels and their lanes.",
                "pause(null, reason => 'x') > OB001 no channel was given / Give channel => 'default'.",
                "resume('default', reason => 'x') > OB003 not paused: 'default' / The view status shows which lanes are.",
                "pause('default') > OB001 no reason was given / Say why: reason => '...'; it is kept in audit.",
                "rotate() > OB001 no reason was given / Say why: reason => '...'; it is kept in audit.",
                "discard(topic => 'orders', reason => 'x', max_rows => 3) > OB004 4 messages match, max_rows is 3 / Narrow the filter, or allow more with max_rows (at most 100000).",
                "cancel_replay('00000000-0000-4000-8000-000000000000', 'x') > OB002 there is no replay 00000000-0000-4000-8000-000000000000 / The view replays shows them.",
                "cancel_replay(null, 'x') > OB002 there is no replay null / The view replays shows them.",
                "find_messages(max_rows => 10001) > OB001 max_rows is 10001 / Give 1 to 10000 and go on with before_seq.",
                "message_status(null) > OB001 no id was given / Give the id of a message.",
                "attempts('00000000-0000-4000-8000-000000000000') > OB002 there is no message 00000000-0000-4000-8000-000000000000 / why_stuck tells where it was looked for, and who may still commit it.",
                "show_message('00000000-0000-4000-8000-000000000000') > OB002 there is no message 00000000-0000-4000-8000-000000000000 / why_stuck tells where it was looked for, and who may still commit it.",
                "retry(ids => '{not-a-uuid}', reason => 'x') > 22P02 invalid input syntax for type uuid: \"not-a-uuid\" / null"
            })
    void badInputIsAnsweredInOneLineAndChangesNothing(String callAndAnswer) throws SQLException {
        String[] parts = callAndAnswer.split(" > ", 2);
        List<String> before = outbox.query(STATE);
        String answer = outbox.refusal("SELECT * FROM " + parts[0]);
        assertThat(answer).isEqualTo(parts[1]);
        assertThat(outbox.query(STATE)).isEqualTo(before);
    }

    @Test
    void refusesIdsThatTheOperationIsNotForAndNamesThem() throws SQLException {
        List<String> before = outbox.query(STATE);
        for (String operation : List.of("retry", "discard")) {
            String call = "SELECT * FROM " + operation + "(ids => ARRAY[?, ?]::uuid[], reason => 'x')";
            assertThat(outbox.refusal(call, ids.get(0), UNKNOWN))
                    .startsWith("OB002 there is no message " + UNKNOWN + " / ");
            assertThat(outbox.refusal(call, ids.get(0), ids.get(6)))
                    .matches("OB003 not parked: " + ids.get(6) + " is published since .* / Only messages .*");
            assertThat(outbox.refusal(call, ids.get(9), ids.get(0)))
                    .matches("OB003 not parked: " + ids.get(9) + " is pending since .* / Only messages .*");
        }
        assertThat(outbox.refusal(
                        "SELECT * FROM retry(ids => ARRAY[?, ?]::uuid[], reason => 'x')", ids.get(0), ids.get(2)))
                .isEqualTo("OB003 held behind another message of its key: " + ids.get(2)
                        + " / Retry or discard what they wait for: " + ids.get(0));
        assertThat(outbox.refusal("SELECT * FROM replay(ids => ARRAY[?]::uuid[], reason => 'x')", UNKNOWN))
                .isEqualTo("OB002 there is no message " + UNKNOWN
                        + ", or retention has removed it / why_stuck tells which.");
        assertThat(outbox.refusal("SELECT * FROM replay(ids => ARRAY[?]::uuid[], reason => 'x')", ids.get(9)))
                .startsWith("OB003 not published, but pending: " + ids.get(9) + " / ");
        assertThat(outbox.refusal("SELECT * FROM replay(ids => ARRAY[?]::uuid[], reason => 'x')", ids.get(0)))
                .startsWith("OB003 not published, but dead: " + ids.get(0) + " / ");
        assertThat(outbox.refusal(
                        "SELECT * FROM replay(channel => 'other', ids => ARRAY[?]::uuid[], reason => 'x')", ids.get(6)))
                .startsWith("OB002 channel 'other' has no lanes / ");
        assertThat(outbox.query(STATE)).isEqualTo(before);

        outbox.query("SELECT * FROM discard(ids => ARRAY[?]::uuid[], reason => 'x')", ids.get(0));
        assertThat(outbox.refusal("SELECT * FROM discard(ids => ARRAY[?]::uuid[], reason => 'x')", ids.get(0)))
                .startsWith("OB003 not parked: " + ids.get(0) + " is discarded since ");
        assertThat(outbox.refusal("SELECT * FROM replay(ids => ARRAY[?]::uuid[], reason => 'x')", ids.get(0)))
                .startsWith("OB003 not published, but discarded: " + ids.get(0) + " / ");
    }

    @Test
    void refusesPolitelyToReplayWhatRetentionHasRemoved() throws SQLException {
        outbox.query("SELECT * FROM rotate('x')");
        List<String> kept = outbox.append("orders", "new", 2);
        outbox.checkpoint();
        outbox.execute("TRUNCATE message_0; UPDATE segment_log SET truncated_at = clock_timestamp() WHERE no = 0");
        assertThat(outbox.refusal("SELECT * FROM replay(topic => 'orders', since => '2020-01-01Z', reason => 'x')"))
                .matches(
                        "OB003 messages from before .*Z have been removed by retention / Ask for since => '.*Z', or leave since out.*");
        assertThat(outbox.refusal("SELECT * FROM replay(ids => ARRAY[?]::uuid[], reason => 'x')", ids.get(6)))
                .startsWith("OB002 there is no message " + ids.get(6) + ", or retention has removed it / ");
        outbox.execute(
                "UPDATE parked SET state = 'RESOLVED', resolved_at = clock_timestamp(), resolution = 'published' WHERE seq = 1");
        assertThat(outbox.refusal("SELECT * FROM replay(ids => ARRAY[?]::uuid[], reason => 'x')", ids.get(0)))
                .startsWith("OB003 removed by retention: " + ids.get(0) + " / ");
        assertThat(outbox.query("SELECT matched FROM replay(topic => 'orders', reason => 'x')"))
                .containsExactly("2");
        assertThat(outbox.query("SELECT payload FROM show_message(?::uuid)", ids.get(0)))
                .containsExactly("{\"secret\": 42}");
        assertThat(outbox.query("SELECT segment FROM show_message(?::uuid)", kept.get(0)))
                .containsExactly("1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'; DROP TABLE outbox.message; --",
                "' OR '1'='1",
                "%s%I%L$1\\",
                "a\nb\u0001c\u001b[31m",
                "$$; TRUNCATE outbox.parked; $$",
                "{\"a\": [1]}"
            })
    void whatIsInAnArgumentIsNothingButText(String text) throws SQLException {
        List<String> before = outbox.query(STATE);
        String nothing = "OB002 nothing matches: ";
        for (String argument : List.of("channel", "topic", "key", "type", "error_class")) {
            for (String operation : List.of("retry", "discard")) {
                assertOneLine(
                        outbox.refusal("SELECT * FROM " + operation + "(" + argument + " => ?, reason => 'x')", text),
                        nothing);
            }
        }
        for (String argument : List.of("topic", "key", "type")) {
            assertOneLine(outbox.refusal("SELECT * FROM replay(" + argument + " => ?, reason => 'x')", text), nothing);
        }
        assertOneLine(outbox.refusal("SELECT * FROM discard(state => ?, reason => 'x')", text), "OB001 state is ");
        assertOneLine(
                outbox.refusal("SELECT * FROM replay(channel => ?, topic => 'x', reason => 'x')", text),
                "OB002 channel ");
        assertOneLine(outbox.refusal("SELECT * FROM pause(?, reason => 'x')", text), "OB002 there is no lane ");
        assertOneLine(outbox.refusal("SELECT * FROM resume(?, reason => 'x')", text), "OB002 there is no lane ");
        for (String argument : List.of("channel", "topic", "key", "type")) {
            assertThat(outbox.query("SELECT * FROM find_messages(" + argument + " => ?)", text))
                    .isEmpty();
        }
        assertThat(outbox.query(STATE)).isEqualTo(before);

        try (Connection connection = outbox.connect()) {
            SqlOutbox.query(connection, "SELECT set_config('outbox.actor', ?, false)", text);
            assertThat(SqlOutbox.query(connection, "SELECT * FROM discard(key => 'slow', reason => ?)", text))
                    .containsExactly("1|1");
            assertThat(SqlOutbox.query(
                            connection,
                            "SELECT count(*) FROM audit JOIN parked ON resolution = 'discarded: ' || audit.reason"
                                    + " WHERE audit.reason = ? AND on_behalf_of = ?",
                            text,
                            text))
                    .containsExactly("1");
            assertThat(SqlOutbox.query(
                            connection,
                            "SELECT matched FROM replay(key => 'good', to_topic => ?, reason => ?)",
                            text,
                            text))
                    .containsExactly("3");
        }
        assertThat(outbox.query("SELECT why_stuck(?::uuid)", ids.get(3)))
                .singleElement()
                .asString()
                .doesNotContain("\n");
        assertThat(outbox.query("SELECT count(*) FROM message")).containsExactly("10");
        assertThat(outbox.query("SELECT count(*) FROM parked")).containsExactly("5");
    }

    @Test
    void longWordsAreCutToWhatTheirColumnsHold() throws SQLException {
        try (Connection connection = outbox.connect()) {
            SqlOutbox.query(connection, "SELECT set_config('outbox.actor', repeat('ä', 127), false)");
            SqlOutbox.query(connection, "SELECT * FROM discard(key => 'slow', reason => repeat('ö', 1000))");
            assertThat(SqlOutbox.query(
                            connection,
                            "SELECT octet_length(resolution), octet_length(resolved_by) FROM parked WHERE seq = 4"))
                    .containsExactly("1999|255");
            SqlOutbox.query(connection, "SELECT set_config('outbox.actor', repeat('ä', 128), false)");
            assertThat(SqlOutbox.refusal(connection, "SELECT * FROM discard(key => 'bad', reason => 'x')"))
                    .isEqualTo("OB001 outbox.actor has 256 bytes / Give 1 to 255 bytes.");
        }
        assertThat(outbox.query("SELECT count(*) FROM audit")).containsExactly("1");
    }

    @Test
    void whoComesWhileAnotherIsAtItIsTold() throws SQLException {
        try (Connection first = outbox.connect()) {
            first.setAutoCommit(false);
            String pid = SqlOutbox.query(first, "SELECT pg_backend_pid()").get(0);
            SqlOutbox.query(first, "SELECT * FROM retry(key => 'bad', reason => 'first')");
            for (String call : List.of(
                    "retry(key => 'bad', reason => 'second')",
                    "pause('default', reason => 'second')",
                    "rotate('second')")) {
                assertThat(outbox.refusal("SELECT * FROM " + call))
                        .startsWith("OB005 another operation is under way: pid " + pid)
                        .endsWith(" / Try again when its transaction has ended.");
            }
            assertThat(outbox.query("SELECT * FROM retry(key => 'bad', reason => 'x', dry_run => true)"))
                    .containsExactly("1|0");
            first.commit();
        }
        try (Connection relay = outbox.connect()) {
            relay.setAutoCommit(false);
            SqlOutbox.query(relay, "SELECT FROM parked WHERE seq = 4 FOR UPDATE");
            assertThat(outbox.refusal("SELECT * FROM discard(key => 'slow', reason => 'x')"))
                    .isEqualTo("OB005 a relay has one of these messages in hand / Try again in a moment.");
            SqlOutbox.query(relay, "SELECT FROM lane FOR UPDATE");
            assertThat(outbox.refusal("SELECT * FROM pause('default', reason => 'x')"))
                    .isEqualTo("OB005 another transaction has locked these lanes / Try again in a moment.");
        }
        assertThat(outbox.query("SELECT reason FROM audit")).containsExactly("first");
    }

    @Test
    void ofManyOperatorsAtOnceOneDiscardsAndTheOthersAreTold() throws Exception {
        int operators = 6;
        CyclicBarrier barrier = new CyclicBarrier(operators);
        ExecutorService executor = Executors.newFixedThreadPool(operators);
        try {
            List<Future<String>> answers = IntStream.range(0, operators)
                    .mapToObj(i -> executor.submit(() -> {
                        try (Connection connection = outbox.connect()) {
                            barrier.await();
                            return SqlOutbox.refusal(connection, "SELECT * FROM discard(key => 'bad', reason => 'x')");
                        }
                    }))
                    .toList();
            List<String> told = new ArrayList<>();
            for (Future<String> answer : answers) {
                told.add(answer.get());
            }
            assertThat(told).containsOnlyOnce(SqlOutbox.ACCEPTED);
            assertThat(told)
                    .filteredOn(answer -> answer.startsWith("OB002 nothing matches: key 'bad'"))
                    .hasSize(operators - 1);
        } finally {
            executor.shutdownNow();
        }
        assertThat(audit()).containsExactly("discard|x|{\"key\": \"bad\"}|3|3");
    }

    @Test
    void theSameReplayIsNotAskedForTwice() throws SQLException {
        String id = outbox.query("SELECT replay_id FROM replay(key => 'good', reason => 'x')")
                .get(0);
        assertThat(outbox.refusal("SELECT * FROM replay(key => 'good', reason => 'y')"))
                .startsWith("OB003 the same replay is running: " + id + " / ");
        assertThat(outbox.query("SELECT matched FROM replay(key => 'good', to_topic => 'other', reason => 'y')"))
                .containsExactly("3");
    }

    @Test
    void operatorsAndARelayThatWorksOnParkedMessagesDoNotDeadlock() throws Exception {
        outbox.append("orders", "more", 200);
        outbox.checkpoint();
        for (long seq = 11; seq <= 210; seq++) {
            outbox.park(seq, "DEAD", null);
        }
        ExecutorService executor = Executors.newFixedThreadPool(2);
        try {
            Future<Integer> relay = executor.submit(() -> {
                int moved = 0;
                try (Connection connection = outbox.connect();
                        Statement statement = connection.createStatement()) {
                    for (int i = 0; i < 100; i++) {
                        moved += statement.executeUpdate("""
                                UPDATE parked SET state = 'DEAD', next_attempt_at = null
                                WHERE seq IN (SELECT seq FROM parked WHERE state = 'RETRYING' ORDER BY seq LIMIT 50 FOR UPDATE SKIP LOCKED)
                                """);
                    }
                }
                return moved;
            });
            Future<Integer> operator = executor.submit(() -> {
                int changed = 0;
                for (int i = 0; i < 30; i++) {
                    changed += Integer.parseInt(outbox.query("SELECT changed FROM retry(key => 'more', reason => 'x')")
                            .get(0));
                }
                return changed;
            });
            assertThat(operator.get()).isEqualTo(6000);
            assertThat(relay.get()).isPositive();
        } finally {
            executor.shutdownNow();
        }
    }

    private List<String> audit() throws SQLException {
        return outbox.query("SELECT operation, reason, arguments, matched, changed FROM audit ORDER BY id");
    }

    private static void assertOneLine(String refusal, String start) {
        assertThat(refusal).startsWith(start).doesNotContain("\n").doesNotMatch(".*\\p{Cntrl}.*");
    }
}
