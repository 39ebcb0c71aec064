package dev.outbox.relay.cli;

import static dev.outbox.relay.cli.OperatedOutbox.id;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Whoever has psql gets what whoever has the command line gets, on outboxes with the same rows. */
@ExtendWith(OutboxServers.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SqlAndCommandLineIT {

    private static final String ACTOR = "mary@desk";

    /** What is left of an operation; times, which differ, only by whether they are there. */
    private static final List<String> TRACES = List.of("""
            SELECT 'parked ' || concat_ws('|', seq, state, reason, attempts, next_attempt_at <= clock_timestamp(),
              next_attempt_at IS NULL, held_by, resolved_at IS NULL, resolution, resolved_by)
            FROM parked ORDER BY seq
            """, """
            SELECT 'lane ' || concat_ws('|', channel, lane, owner, epoch, paused_at IS NULL, pause_reason, paused_by)
            FROM lane ORDER BY channel, lane
            """, """
            SELECT 'segment ' || concat_ws('|', no, segment, closed_at IS NULL) FROM segment_log ORDER BY no
            """, """
            SELECT 'segment_seq ' || last_value FROM segment_seq
            """, """
            SELECT 'replay ' || concat_ws('|', channel, ids, topic, key, type, since, until, first_seq, last_seq, to_topic, rate,
              matched, state, requested_by, reason, finished_at IS NULL, error)
            FROM replay ORDER BY matched
            """, """
            SELECT 'audit ' || concat_ws('|', operator, on_behalf_of, operation, reason, arguments - 'replay_id', matched, changed)
            FROM audit ORDER BY id
            """);

    private final OperatedOutbox outbox;

    SqlAndCommandLineIT(TestDatabase database, KafkaServer kafka) {
        this.outbox = new OperatedOutbox(database, kafka);
    }

    @BeforeAll
    void makeOutbox() {
        outbox.sql().reset();
    }

    /** One operation, from both doors. */
    record Operation(String sql, List<String> arguments) {
        @Override
        public String toString() {
            return String.join(" ", arguments);
        }
    }

    private static Operation operation(String sql, String... arguments) {
        return new Operation(sql, List.of(arguments));
    }

    static List<Operation> changes() {
        return List.of(
                operation(
                        "SELECT * FROM retry(ids => ARRAY['%s']::uuid[], reason => 'r')".formatted(id(3)),
                        "retry",
                        "--id",
                        id(3),
                        "--reason",
                        "r"),
                operation(
                        "SELECT * FROM retry(channel => 'default', topic => 'orders', key => 'k4', type => 'order.created',"
                                + " error_class => 'InvalidRecordException', reason => 'r', max_rows => 1)",
                        "retry",
                        "--channel",
                        "default",
                        "--topic",
                        "orders",
                        "--key",
                        "k4",
                        "--type",
                        "order.created",
                        "--error",
                        "InvalidRecordException",
                        "--reason",
                        "r",
                        "--max",
                        "1"),
                operation("SELECT * FROM retry(all_parked => true, reason => 'r')", "retry", "--all", "--reason", "r"),
                operation(
                        "SELECT * FROM retry(all_parked => true, reason => 'r', dry_run => true)",
                        "retry",
                        "--all",
                        "--reason",
                        "r",
                        "--dry-run"),
                operation(
                        "SELECT * FROM discard(ids => ARRAY['%s', '%s']::uuid[], reason => 'r')"
                                .formatted(id(3), id(21)),
                        "discard",
                        "--id",
                        id(3),
                        "--id",
                        id(21),
                        "--reason",
                        "r"),
                operation(
                        "SELECT * FROM discard(topic => 'orders', state => 'HELD', reason => 'r')",
                        "discard",
                        "--topic",
                        "orders",
                        "--state",
                        "HELD",
                        "--reason",
                        "r"),
                operation(
                        "SELECT * FROM discard(all_parked => true, reason => 'r', dry_run => true)",
                        "discard",
                        "--all",
                        "--reason",
                        "r",
                        "--dry-run"),
                operation(
                        "SELECT matched FROM replay(ids => ARRAY['%s']::uuid[], reason => 'r')".formatted(id(2)),
                        "replay",
                        "--id",
                        id(2),
                        "--reason",
                        "r"),
                operation(
                        "SELECT matched FROM replay(channel => 'default', topic => 'orders', key => 'k1',"
                                + " type => 'order.created', since => '2026-01-31T10:00:05Z',"
                                + " until => '2026-01-31T10:00:12Z', to_topic => 'repair', rate => 7, reason => 'r')",
                        "replay",
                        "--channel",
                        "default",
                        "--topic",
                        "orders",
                        "--key",
                        "k1",
                        "--type",
                        "order.created",
                        "--since",
                        "2026-01-31T10:00:05Z",
                        "--until",
                        "2026-01-31T11:00:12+01:00",
                        "--to-topic",
                        "repair",
                        "--rate",
                        "7",
                        "--reason",
                        "r"),
                operation(
                        "SELECT matched FROM replay(channel => 'quiet', all_messages => true, reason => 'r')",
                        "replay",
                        "--channel",
                        "quiet",
                        "--all",
                        "--reason",
                        "r"),
                operation(
                        "SELECT matched FROM replay(all_messages => true, reason => 'r', dry_run => true)",
                        "replay",
                        "--all",
                        "--reason",
                        "r",
                        "--dry-run"),
                operation("SELECT * FROM pause('default', reason => 'r')", "pause", "default", "--reason", "r"),
                operation("SELECT * FROM pause('default', 0, reason => 'r')", "pause", "default/0", "--reason", "r"),
                operation(
                        "SELECT * FROM pause('default', reason => 'r', dry_run => true)",
                        "pause",
                        "default",
                        "--reason",
                        "r",
                        "--dry-run"),
                operation("SELECT * FROM resume('quiet', 0, reason => 'r')", "resume", "quiet/0", "--reason", "r"),
                operation("SELECT * FROM rotate(reason => 'r')", "rotate", "--reason", "r"),
                operation(
                        "SELECT * FROM rotate(reason => 'r', dry_run => true)",
                        "rotate",
                        "--reason",
                        "r",
                        "--dry-run"));
    }

    @ParameterizedTest
    @MethodSource("changes")
    void aChangeLeavesTheSameRowsAndTheSameAudit(Operation operation) throws SQLException {
        outbox.fill();
        List<String> before = traces();
        String bySql = changeBySql(operation.sql());
        List<String> afterSql = traces();
        outbox.fill();
        JsonNode byCommand = json(operation, "--actor", ACTOR).get(0);

        assertThat(traces()).isEqualTo(afterSql);
        boolean dryRun = operation.sql().contains("dry_run");
        assertThat(afterSql.equals(before)).isEqualTo(dryRun);
        assertThat(afterSql.stream().filter(row -> row.startsWith("audit "))).hasSize(dryRun ? 0 : 1);
        assertThat(numbers(byCommand)).isEqualTo(bySql);
    }

    @Test
    void aReplayIsCancelledAlike() throws SQLException {
        outbox.fill();
        String ask = "SELECT replay_id FROM replay(key => 'k1', reason => 'r')";
        String first = outbox.sql().query(ask).get(0);
        changeBySql("SELECT * FROM cancel_replay('" + first + "', reason => 'r')");
        List<String> afterSql = traces();
        outbox.fill();
        String second = outbox.sql().query(ask).get(0);
        json(operation("", "cancel-replay", second, "--reason", "r"), "--actor", ACTOR);
        assertThat(traces()).isEqualTo(afterSql).anyMatch(row -> row.contains("CANCELLED"));
    }

    static List<Operation> looks() {
        return List.of(
                operation("SELECT * FROM status ORDER BY channel, lane", "status"),
                operation("SELECT * FROM lag ORDER BY channel, lane", "lag"),
                operation("SELECT * FROM held_keys ORDER BY since, head_seq", "held"),
                operation("SELECT * FROM replays ORDER BY requested_at DESC", "replays"),
                operation("SELECT * FROM find_messages(max_rows => 50)", "messages"),
                operation(
                        "SELECT * FROM find_messages('default', 'orders', 'k1', 'order.created',"
                                + " '2026-01-31T10:00:05Z', '2026-01-31T11:00:00Z', 12, 1)",
                        "messages",
                        "--channel",
                        "default",
                        "--topic",
                        "orders",
                        "--key",
                        "k1",
                        "--type",
                        "order.created",
                        "--since",
                        "2026-01-31T10:00:05Z",
                        "--until",
                        "2026-01-31T11:00:00Z",
                        "--before",
                        "12",
                        "--max",
                        "1"),
                operation("SELECT '%1$s' AS id, why_stuck('%1$s') AS why".formatted(id(8)), "why", id(8)),
                operation("""
                        SELECT seq, id, state, reason, channel, lane, topic, key, type, version, occurred_at, attempts,
                          next_attempt_at, last_error_class, last_error, held_by, parked_at, resolved_at, resolution, resolved_by
                        FROM parked WHERE resolved_at IS NULL ORDER BY seq
                        """, "parked"));
    }

    @ParameterizedTest
    @MethodSource("looks")
    void aLookShowsTheSame(Operation operation) throws SQLException {
        outbox.fill();
        outbox.sql().execute("SELECT replay(key => 'k1', reason => 'r')");
        List<Map<String, String>> bySql = rowsBySql(operation.sql());
        List<Map<String, String>> byCommand = new ArrayList<>();
        json(operation).forEach(row -> byCommand.add(values(row)));
        assertThat(byCommand).isNotEmpty().isEqualTo(bySql);
    }

    @Test
    void showIsTheStatusTheMessageAndItsAttempts() throws SQLException {
        outbox.fill();
        JsonNode shown = json(operation("", "show", id(3))).get(0);
        assertThat(values(shown.get("status")))
                .isEqualTo(rowsBySql("SELECT * FROM message_status('" + id(3) + "')")
                        .get(0));
        assertThat(values(shown.get("message")))
                .isEqualTo(rowsBySql("""
                        SELECT id, seq, channel, topic, key, type, version, occurred_at, correlation_id, causation_id, source,
                          headers::json, payload, encode(body, 'base64') AS body, content_type
                        FROM show_message('%s')
                        """.formatted(id(3))).get(0));
        List<Map<String, String>> attempts = new ArrayList<>();
        shown.get("attempts").forEach(row -> attempts.add(values(row)));
        assertThat(attempts).hasSize(3).isEqualTo(rowsBySql("SELECT * FROM attempts('" + id(3) + "')"));
    }

    private List<String> traces() throws SQLException {
        List<String> traces = new ArrayList<>();
        for (String trace : TRACES) {
            traces.addAll(outbox.sql().query(trace));
        }
        return traces;
    }

    private String changeBySql(String sql) throws SQLException {
        try (Connection connection = outbox.sql().connect();
                Statement statement = connection.createStatement()) {
            statement.execute("SET outbox.actor = '" + ACTOR + "'");
            try (ResultSet row = statement.executeQuery(sql)) {
                row.next();
                StringBuilder numbers = new StringBuilder();
                for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                    numbers.append(row.getString(i)).append(' ');
                }
                return numbers.toString();
            }
        }
    }

    private static String numbers(JsonNode row) {
        StringBuilder numbers = new StringBuilder();
        row.properties().forEach(member -> {
            if (!member.getKey().equals("replayId")) {
                numbers.append(member.getValue().asString()).append(' ');
            }
        });
        return numbers.toString();
    }

    private List<Map<String, String>> rowsBySql(String sql) throws SQLException {
        List<Map<String, String>> rows = new ArrayList<>();
        for (String row : outbox.sql().query("SELECT to_jsonb(t)::text FROM (" + sql + ") t")) {
            rows.add(values(new JsonMapper().readTree(row)));
        }
        return rows;
    }

    /** Names as in Java, times as moments; ages, which grow, left out. */
    private static Map<String, String> values(JsonNode row) {
        Map<String, String> values = new TreeMap<>();
        row.properties().forEach(member -> {
            String name = camelCase(member.getKey());
            if (!name.equals("oldestAge")) {
                JsonNode value = member.getValue();
                values.put(name, value.isString() ? moment(value.asString()) : value.toString());
            }
        });
        return values;
    }

    private static String camelCase(String column) {
        StringBuilder name = new StringBuilder();
        for (String part : column.split("_", -1)) {
            name.append(name.length() == 0 ? part : Character.toUpperCase(part.charAt(0)) + part.substring(1));
        }
        return name.toString();
    }

    private static String moment(String text) {
        try {
            return OffsetDateTime.parse(text).toInstant().toString();
        } catch (DateTimeParseException e) {
            return text;
        }
    }

    private JsonNode json(Operation operation, String... more) {
        List<String> arguments = new ArrayList<>(operation.arguments());
        arguments.addAll(List.of(more));
        arguments.add("--json");
        OperatedOutbox.Ran ran = outbox.run(arguments.toArray(String[]::new));
        assertThat(ran.exitCode()).as(ran.errors()).isZero();
        return new JsonMapper().readTree(ran.output());
    }
}
