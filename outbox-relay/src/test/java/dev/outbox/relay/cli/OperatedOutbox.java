package dev.outbox.relay.cli;

import dev.outbox.relay.ops.TestOutbox;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.TestDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * An outbox in the midst of its work, always the same, and the command line on it, in this process.
 *
 * <p>Of channel {@code default}: messages 1 to 20 were published but 3, which is DEAD, 8 and 13, HELD behind it, and 4, which is
 * RETRYING; 21 and 22 are WAITING for their topic; 23 to 25 are pending. Channel {@code quiet} is paused and has published 26.
 * Message 27 is of a channel without lanes.
 */
final class OperatedOutbox {

    private static final String EMPTY = """
            TRUNCATE message, segment_log, relay, lane, checkpoint, parked, attempt, replay, replay_lane, audit
              RESTART IDENTITY CASCADE;
            SELECT setval('message_seq', 1, false);
            SELECT setval('segment_seq', 0);
            INSERT INTO segment_log (no, segment) VALUES (0, 0);
            """;

    private static final String FILL = """
            INSERT INTO relay (id, version) VALUES ('relay-1', '1');
            INSERT INTO lane (channel, generation, lane, lanes, owner, epoch, lease_until)
            VALUES ('default', 1, 0, 1, 'relay-1', 1, clock_timestamp() + interval '1 hour');
            INSERT INTO lane (channel, generation, lane, lanes, paused_at, pause_reason)
            VALUES ('quiet', 1, 0, 1, clock_timestamp(), 'for the night');
            INSERT INTO message (id, channel, topic, key, type, source, payload, headers, occurred_at)
            SELECT ('01a20eac-4c12-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
              CASE WHEN n = 26 THEN 'quiet' ELSE 'default' END,
              CASE WHEN n IN (21, 22) THEN 'invoices' ELSE 'orders' END, 'k' || n % 5, 'order.created', 'shop',
              json_build_object('n', n), CASE WHEN n = 3 THEN json_build_object('traceparent', '00-1-2-3') END,
              timestamptz '2026-01-31 10:00:00Z' + n * interval '1 s'
            FROM generate_series(1, 22) n;
            INSERT INTO message (id, channel, topic, key, type, source, payload)
            VALUES ('01a20eac-4c12-7000-8000-000000000026', 'quiet', 'orders', 'k', 'order.created', 'shop', '{}');
            """;

    private static final String CHECKPOINT = """
            INSERT INTO checkpoint (channel, generation, lane, no, snapshot, published, parked, first_seq, last_seq,
              broker_positions, relay, epoch, system_identifier, timeline)
            SELECT channel, 1, 0, 1, pg_current_snapshot(), 16, 6, first_seq, last_seq, '{"orders-0": [0, 15]}', 'relay-1', 1,
              system_identifier, 1
            FROM (VALUES ('default', 1, 22), ('quiet', 23, 23)) c (channel, first_seq, last_seq)
            CROSS JOIN pg_control_system();
            INSERT INTO parked (seq, id, channel, topic, key, type, version, occurred_at, source, headers, payload,
              content_type, generation, lane, state, reason, attempts, next_attempt_at, first_error_class, first_error,
              last_error_class, last_error, held_by)
            SELECT seq, id, channel, topic, key, type, version, occurred_at, source, headers, payload, content_type, 1, 0,
              CASE WHEN seq = 3 THEN 'DEAD' WHEN seq = 4 THEN 'RETRYING' WHEN seq > 20 THEN 'WAITING' ELSE 'HELD' END,
              CASE WHEN seq IN (3, 4) THEN 'MESSAGE' WHEN seq > 20 THEN 'TOPIC' END,
              CASE WHEN seq = 3 THEN 3 WHEN seq = 4 THEN 1 ELSE 0 END,
              CASE WHEN seq = 4 THEN clock_timestamp() + interval '1 hour' END, e.class, e.error, e.class, e.error,
              CASE WHEN seq IN (8, 13) THEN 3 END
            FROM message
            LEFT JOIN (VALUES (3, 'RecordTooLargeException', 'The message has 2000000 bytes'),
              (4, 'InvalidRecordException', 'The record is not valid'),
              (21, 'UnknownTopicOrPartitionException', 'There is no such topic'),
              (22, 'UnknownTopicOrPartitionException', 'There is no such topic')) e (no, class, error) ON e.no = seq
            WHERE seq IN (3, 4, 8, 13, 21, 22);
            INSERT INTO attempt (seq, no, relay, error_class, error)
            SELECT 3, no, 'relay-1', 'RecordTooLargeException', 'The message has 2000000 bytes' FROM generate_series(1, 3) no;
            """;

    private static final String PENDING = """
            INSERT INTO message (id, topic, key, type, source, payload)
            SELECT ('01a20eac-4c12-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'orders', 'k' || n % 5, 'order.changed', 'shop', '{}'
            FROM generate_series(23, 25) n;
            INSERT INTO message (id, channel, topic, type, source, payload)
            VALUES ('01a20eac-4c12-7000-8000-000000000027', 'misspelt', 'orders', 'order.created', 'shop', '{}');
            """;

    /** Everything that an operation might change. */
    private static final List<String> TABLES = List.of(
            "message",
            "segment_log",
            "relay",
            "lane",
            "checkpoint",
            "parked",
            "attempt",
            "replay",
            "replay_lane",
            "audit",
            "(SELECT last_value FROM segment_seq)");

    private final TestDatabase database;
    private final TestOutbox outbox;

    /** What a command wrote and how it ended. */
    record Ran(int exitCode, String output, String errors) {}

    OperatedOutbox(TestDatabase database, KafkaServer kafka) {
        this.database = database;
        this.outbox = new TestOutbox(database, kafka);
    }

    TestOutbox sql() {
        return outbox;
    }

    /** The same rows again; the schema has been made. */
    void fill() throws SQLException {
        try (Connection connection = outbox.connect();
                Statement statement = connection.createStatement()) {
            // Each its own transaction, since the snapshot of a checkpoint is to see the messages before it.
            for (String step : List.of(EMPTY, FILL, CHECKPOINT, PENDING)) {
                statement.execute(step);
            }
        }
    }

    /** Makes a login, unless it is there, that is a member of one of the outbox's roles; its password is its name. */
    void makeLogin(String login, String role) throws SQLException, IOException {
        try (InputStream roles = Objects.requireNonNull(
                OperatedOutbox.class.getResourceAsStream("/dev/outbox/db/roles.sql"),
                "roles.sql is not on the class path")) {
            outbox.execute(new String(roles.readAllBytes(), StandardCharsets.UTF_8));
        }
        outbox.execute("""
                DO $$ BEGIN
                  IF to_regrole('%1$s') IS NULL THEN
                    CREATE ROLE %1$s LOGIN PASSWORD '%1$s';
                  END IF;
                END $$;
                GRANT %2$s TO %1$s;
                """.formatted(login, role));
    }

    static String id(int n) {
        return "01a20eac-4c12-7000-8000-" + String.format(Locale.ROOT, "%012d", n);
    }

    /** Runs a command as it is run where its output goes to a file. */
    Ran run(String... arguments) {
        return run(Screen.NONE, arguments);
    }

    Ran run(Screen screen, String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = OutboxMain.execute(
                new PrintWriter(out, true), new PrintWriter(err, true), screen, withDatabase(arguments));
        return new Ran(code, out.toString(), err.toString());
    }

    /** Runs a command as one of the logins. */
    Ran runAs(String login, String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of(
                "--outbox.database.url=" + database.jdbcUrl(),
                "--outbox.database.user=" + login,
                "--outbox.database.password=" + login));
        int code = OutboxMain.execute(
                new PrintWriter(out, true), new PrintWriter(err, true), Screen.NONE, all.toArray(String[]::new));
        return new Ran(code, out.toString(), err.toString());
    }

    String[] withDatabase(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.add("--outbox.database.url=" + database.jdbcUrl());
        all.add("--outbox.database.user=" + database.user());
        all.add("--outbox.database.password=" + database.password());
        return all.toArray(String[]::new);
    }

    /** All rows of all tables. */
    List<String> rows() throws SQLException {
        List<String> rows = new ArrayList<>();
        try (Connection connection = outbox.connect();
                Statement statement = connection.createStatement()) {
            for (String table : TABLES) {
                try (ResultSet row = statement.executeQuery("SELECT t::text FROM " + table + " t ORDER BY 1")) {
                    while (row.next()) {
                        rows.add(table + " " + row.getString(1));
                    }
                }
            }
        }
        return rows;
    }
}
