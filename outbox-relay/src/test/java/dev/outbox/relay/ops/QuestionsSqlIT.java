package dev.outbox.relay.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The views and the finding of messages, on the {@linkplain SqlOutbox#tenMessages ten messages}. */
@ExtendWith(OutboxServers.class)
class QuestionsSqlIT {

    private final SqlOutbox outbox;
    private final List<String> ids = new ArrayList<>();

    QuestionsSqlIT(TestDatabase database) throws SQLException {
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
    void theViewsShowWhatIsParkedAndPending() throws SQLException {
        assertThat(
                        outbox.query(
                                "SELECT topic, key, head_id, head_seq, head_state, held, attempts FROM held_keys ORDER BY head_seq"))
                .containsExactly(
                        "orders|bad|" + ids.get(0) + "|1|DEAD|2|3",
                        "orders|slow|" + ids.get(3) + "|4|RETRYING|0|3",
                        "missing|null|" + ids.get(4) + "|5|WAITING|1|3");
        assertThat(outbox.query("SELECT sum(pending), sum(waiting), sum(retrying), sum(held), sum(dead) FROM status"))
                .containsExactly("2|1|1|2|1");
        assertThat(outbox.query("SELECT sum(pending) FROM lag")).containsExactly("2");
        assertThat(outbox.query("SELECT channel, topic, key, messages FROM pending_by_key"))
                .containsExactly("default|orders|late|2");
        assertThat(outbox.query("SELECT type, version, messages FROM versions_pending"))
                .containsExactly("order.created|1.0|7");
        assertThat(outbox.query("SELECT first_seq, last_seq, relay FROM receipts"))
                .containsExactly("1|8|relay-1", "1|8|relay-1");
        outbox.execute(
                "INSERT INTO message (channel, topic, key, type, payload) VALUES ('typo', 'orders', 'k', 'a.b', '1')");
        assertThat(outbox.query("SELECT lane, state, pending FROM status WHERE channel = 'typo'"))
                .containsExactly("null|NO LANES|1");
        assertThat(outbox.query("SELECT topic, key, messages FROM pending_by_key WHERE channel = 'typo'"))
                .containsExactly("orders|k|1");
    }

    @Test
    void theViewsAgreeWhateverTheLanesPositionsAre() throws SQLException {
        for (int round = 0; round < 12; round++) {
            outbox.execute("""
                    INSERT INTO message (topic, key, type, payload)
                    SELECT 'orders', CASE WHEN n % 5 > 0 THEN 'k' || n END, 'order.created', '1' FROM generate_series(1, 40) n
                    """);
            outbox.execute("""
                    INSERT INTO checkpoint (channel, generation, lane, no, snapshot, window_snapshot, window_end, page_seq, published,
                      parked, relay, epoch, system_identifier, timeline)
                    SELECT channel, generation, lane, no + 1, snapshot, pg_current_snapshot(), m, m - 5, 0, 0, 'r', 1, 1, 1
                    FROM lane_position, (SELECT max(seq) AS m FROM message) s
                    WHERE lane = %d
                    """.formatted(round % 2));
            String expected = outbox.query("""
                            SELECT count(*)
                            FROM message m
                            JOIN lane_position p ON p.channel = m.channel AND p.lane = lane_of(m.key, m.seq, p.lanes)
                            WHERE NOT is_covered(m.xid, m.seq, p.snapshot, p.window_snapshot, p.page_seq)
                            """).get(0);
            assertThat(Long.parseLong(expected)).isPositive();
            assertThat(outbox.query("SELECT count(*) FROM pending")).containsExactly(expected);
            assertThat(outbox.query("SELECT sum(messages) FROM pending_by_key")).containsExactly(expected);
            assertThat(outbox.query("SELECT sum(pending) FROM lag")).containsExactly(expected);
            if (round % 3 == 2) {
                outbox.execute("DELETE FROM checkpoint WHERE lane = 0 AND no > 1");
            }
        }
    }

    @Test
    void theBacklogIsDividedRightlyHoweverManyLanesTheChannelsHave() throws SQLException {
        for (int lanes : new int[] {1, 3, 8, 241, 251}) {
            outbox.execute(
                    "INSERT INTO lane (channel, generation, lane, lanes) SELECT 'c%1$d', 1, n, %1$d FROM generate_series(0, %1$d - 1) n"
                            .formatted(lanes));
            outbox.execute("""
                    INSERT INTO message (channel, topic, key, type, payload)
                    SELECT 'c%d', 'orders', CASE WHEN n %% 7 > 0 THEN 'k' || n END, 'order.created', '1' FROM generate_series(1, 300) n
                    """.formatted(lanes));
            assertThat(outbox.query("""
                            SELECT channel, lane, messages FROM backlog()
                            EXCEPT ALL SELECT channel, lane, count(*) FROM pending GROUP BY channel, lane
                            """)).isEmpty();
            assertThat(outbox.query("SELECT sum(messages) FROM backlog() WHERE channel = ?", "c" + lanes))
                    .containsExactly("300");
        }
        assertThat(outbox.query("SELECT lanes_multiple()")).containsExactly("9223372036854775807");
    }

    @Test
    void whatATransactionBeforeTheWindowCommittedLateIsPending() throws SQLException {
        try (Connection late = outbox.connect()) {
            late.setAutoCommit(false);
            SqlOutbox.query(late, "SELECT append(topic => 'late', type => 'a.b', key => 'k', payload => '1')");
            outbox.append("orders", "k", 5);
            outbox.checkpoint();
            assertThat(outbox.query("SELECT count(*) FROM pending")).containsExactly("0");
            late.commit();
        }
        assertThat(outbox.query("SELECT topic, messages FROM pending_by_key")).containsExactly("late|1");
        assertThat(outbox.query("SELECT sum(pending) FROM status")).containsExactly("1");
        assertThat(outbox.query("SELECT topic FROM pending")).containsExactly("late");
        String id = outbox.query("SELECT id FROM pending").get(0);
        assertThat(outbox.query("SELECT status FROM message_status(?::uuid)", id))
                .containsExactly("PENDING");
    }

    @Test
    void messagesAreFoundPageByPage() throws SQLException {
        assertThat(outbox.query("SELECT seq, key, payload_bytes FROM find_messages(topic => 'orders', max_rows => 3)"))
                .containsExactly("10|late|14", "9|late|14", "8|good|14");
        assertThat(outbox.query("SELECT seq FROM find_messages(topic => 'orders', before_seq => 8, max_rows => 3)"))
                .containsExactly("7", "6", "4");
        assertThat(outbox.query("SELECT seq FROM find_messages(since => '2100-01-01Z')"))
                .isEmpty();
        assertThat(
                        outbox.query(
                                "SELECT seq FROM find_messages(key => 'good', type => 'order.created', until => '2100-01-01Z')"))
                .containsExactly("8", "7", "6");
        outbox.execute("UPDATE message SET seq = seq + 2000000 WHERE seq > 8");
        try (Connection connection = outbox.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT * FROM find_messages(key => 'good')");
            assertThat(statement.getWarnings().getMessage())
                    .isEqualTo(
                            "looked at 1,000,000 numbers and there are older messages: go on with before_seq => 1000011");
            assertThat(SqlOutbox.query(
                            connection, "SELECT seq FROM find_messages(key => 'good', before_seq => 1000011)"))
                    .containsExactly("8", "7", "6");
        }
    }

    @Test
    void attemptsAreShownTheNewestFirst() throws SQLException {
        outbox.execute("""
                INSERT INTO attempt (seq, no, relay, error_class, error, attempted_at)
                SELECT 1, n, 'relay-1', 'RecordTooLargeException', 'larger', clock_timestamp() + n * interval '1 second'
                FROM generate_series(1, 120) n
                """);
        assertThat(outbox.query("SELECT no FROM attempts(?::uuid)", ids.get(0)))
                .hasSize(100)
                .startsWith("120", "119");
        assertThat(outbox.query("SELECT no FROM attempts(?::uuid)", ids.get(6))).isEmpty();
        assertThat(outbox.query("SELECT status, attempts, last_error FROM message_status(?::uuid)", ids.get(0)))
                .containsExactly("DEAD|3|larger than 1 MiB");
    }
}
