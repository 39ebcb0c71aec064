package dev.outbox.relay.ops;

import dev.outbox.testkit.PostgresServer;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;

/**
 * How long the operations in SQL take with a million messages in the segments, first with all of them pending and then with
 * all of them published. The median of five in milliseconds, beside a plain reading of all messages by the same index.
 *
 * <p>Run by hand from the test class path; it asserts nothing.
 */
final class MeasureOperations {

    private static final int MESSAGES = 1_000_000;
    private static final int MESSAGES_PER_TRANSACTION = 1_000;
    private static final int KEYS = 10_000;
    private static final int LANES = 4;
    private static final int RUNS = 5;

    private static final String FILL = """
            INSERT INTO message (topic, key, type, payload)
            SELECT 't' || n %% 20, 'k' || n %% %d, 'order.created', ('{"n":' || n || ',"pad":"' || repeat('x', 200) || '"}')::json
            FROM generate_series(1, %d) n
            """.formatted(KEYS, MESSAGES_PER_TRANSACTION);

    /** What is the least that an answer about everything costs. */
    private static final String READ_ALL = "SELECT count(*) FROM message WHERE xid >= '1' AND occurred_at IS NOT NULL";

    private final SqlOutbox outbox;

    private MeasureOperations(SqlOutbox outbox) {
        this.outbox = outbox;
    }

    public static void main(String[] args) throws SQLException {
        try (PostgresServer postgres = PostgresServer.start();
                SqlOutbox outbox = new SqlOutbox(postgres.createDatabase("measure"))) {
            new MeasureOperations(outbox).run();
        }
    }

    private void run() throws SQLException {
        outbox.reset();
        outbox.createLanes(LANES);
        for (int i = 0; i < MESSAGES / MESSAGES_PER_TRANSACTION; i++) {
            outbox.execute(FILL);
        }
        print("all pending: "
                + outbox.query("SELECT count(*), version() FROM message").get(0));
        measure();
        outbox.checkpoint();
        print("all published");
        measure();
    }

    private void measure() throws SQLException {
        outbox.execute(
                "SET enable_seqscan = off; SET enable_bitmapscan = off; SET max_parallel_workers_per_gather = 0");
        time("read all", READ_ALL);
        outbox.execute("RESET enable_seqscan; RESET enable_bitmapscan; RESET max_parallel_workers_per_gather");
        for (String view : List.of("status", "lag", "pending_by_key", "held_keys", "versions_pending")) {
            time(view, "SELECT * FROM " + view);
        }
        for (long seq : new long[] {1_000, MESSAGES / 2, MESSAGES - 10}) {
            String id =
                    outbox.query("SELECT id FROM message WHERE seq = ?", seq).get(0);
            time("message_status, seq " + seq, "SELECT * FROM message_status(?::uuid)", id);
            time("why_stuck, seq " + seq, "SELECT why_stuck(?::uuid)", id);
            time("show_message, seq " + seq, "SELECT * FROM show_message(?::uuid)", id);
        }
        String random = outbox.query("SELECT gen_random_uuid()").get(0);
        time("why_stuck, an id that is nowhere", "SELECT why_stuck(?::uuid)", random);
        String now = outbox.query("SELECT uuid_v7()").get(0);
        time("why_stuck, an id of now that is nowhere", "SELECT why_stuck(?::uuid)", now);
        time("find_messages, newest", "SELECT * FROM find_messages()");
        time("find_messages, a key that is not there", "SELECT * FROM find_messages(key => 'none')");
    }

    private void time(String what, String sql, Object... values) throws SQLException {
        long[] nanos = new long[RUNS];
        for (int run = 0; run < RUNS; run++) {
            long start = System.nanoTime();
            outbox.query(sql, values);
            nanos[run] = System.nanoTime() - start;
        }
        Arrays.sort(nanos);
        print(String.format("  %-45s %8.1f  (most %.1f)", what, nanos[RUNS / 2] / 1e6, nanos[RUNS - 1] / 1e6));
    }

    private static void print(String line) {
        System.out.println(line);
    }
}
