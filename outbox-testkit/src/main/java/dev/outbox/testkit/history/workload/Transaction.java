package dev.outbox.testkit.history.workload;

import dev.outbox.testkit.history.Append;
import dev.outbox.testkit.history.HistoryRecorder;
import dev.outbox.testkit.history.Outcome;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;

/** One transaction of a writer: does what its shape asks for and records it. */
final class Transaction {

    /** What all transactions of a workload share. */
    record Context(
            Accounts accounts,
            Appender appender,
            HistoryRecorder recorder,
            WorkloadSettings settings,
            WorkloadState state,
            Clock clock) {}

    private static final String TYPE = "account.changed";
    private static final Duration PAUSE_MAX = Duration.ofMillis(4);

    private final Context context;
    private final Connection connection;
    private final int writer;
    private final SplittableRandom random;
    private final List<String> keys;
    private final List<UUID> open = new ArrayList<>();
    private int openAtSavepoint;

    Transaction(Context context, Connection connection, int writer, SplittableRandom random, List<String> keys) {
        this.context = context;
        this.connection = connection;
        this.writer = writer;
        this.random = random;
        this.keys = keys;
    }

    int keyCount() {
        return keys.size();
    }

    void lock(int key) throws SQLException {
        context.accounts().lock(connection, keys.get(key));
    }

    void visit() throws SQLException {
        context.accounts().visit(connection, writer);
    }

    /** A moment, so that others get between two steps. */
    void pause() {
        context.state().hold(Duration.ofNanos(random.nextLong(PAUSE_MAX.toNanos())));
    }

    /** Stays open, until the workload ends at the latest. */
    void hold() {
        WorkloadSettings settings = context.settings();
        long least = settings.holdMin().toNanos();
        long most = settings.holdMax().toNanos();
        context.state().hold(Duration.ofNanos(least + random.nextLong(most - least + 1)));
    }

    /** Raises the version, waiting for the key if somebody has it, and appends that version's message. */
    void append(int key) throws SQLException {
        UUID id = messageId();
        Accounts.Moved moved = context.accounts().move(connection, keys.get(key), id);
        append(keys.get(key), moved.version(), moved.xid(), id);
    }

    /** Appends the next version's message first and raises the version afterwards; false when somebody was faster. */
    boolean appendChecked(int key) throws SQLException {
        UUID id = messageId();
        long version = context.accounts().read(connection, keys.get(key));
        append(keys.get(key), version + 1, 0, id);
        return context.accounts()
                .moveFrom(connection, keys.get(key), version, id)
                .isPresent();
    }

    Savepoint savepoint() throws SQLException {
        openAtSavepoint = open.size();
        return connection.setSavepoint();
    }

    void rollbackTo(Savepoint savepoint) throws SQLException {
        connection.rollback(savepoint);
        List<UUID> undone = open.subList(openAtSavepoint, open.size());
        context.recorder().finished(Outcome.ROLLED_BACK, undone);
        undone.clear();
    }

    /** Whatever goes wrong from here on leaves the outcome unknown: the commit may have been sent. */
    void commit() throws SQLException {
        try {
            connection.commit();
        } catch (SQLException e) {
            finish(Outcome.UNKNOWN);
            throw e;
        }
        finish(Outcome.COMMITTED);
    }

    void rollback() throws SQLException {
        finish(Outcome.ROLLED_BACK);
        connection.rollback();
    }

    /** No commit was sent, so the server has rolled back or will, whether it still hears of it or not. */
    void abandon() {
        finish(Outcome.ROLLED_BACK);
    }

    private void append(String key, long position, long xid, UUID id) throws SQLException {
        WorkloadSettings settings = context.settings();
        String payload = payload(key, position, id);
        context.appender().append(connection, settings.topic(), key, TYPE, payload, id);
        byte[] bytes = payload.getBytes(StandardCharsets.UTF_8);
        context.recorder()
                .appended(Append.of(
                                id,
                                settings.topic(),
                                key,
                                position,
                                bytes,
                                context.clock().instant())
                        .withXid(xid));
        open.add(id);
    }

    private String payload(String key, long position, UUID id) {
        String json = "{\"account\":\"" + key + "\", \"version\":" + position + ", \"change\":\"" + id
                + "\", \"name\":\"Zoë Müller\", \"filler\":\"";
        int filler = context.settings().payloadBytes() - json.length() - 2;
        return json + "x".repeat(Math.max(0, filler)) + "\"}";
    }

    /** A UUIDv7, so that operators' searches by time find it. */
    private UUID messageId() {
        long millis = context.clock().millis();
        long high = (millis << 16) | 0x7000L | (random.nextLong() & 0xfffL);
        long low = (random.nextLong() & 0x3fff_ffff_ffff_ffffL) | 0x8000_0000_0000_0000L;
        return new UUID(high, low);
    }

    private void finish(Outcome outcome) {
        if (!open.isEmpty()) {
            context.recorder().finished(outcome, List.copyOf(open));
            open.clear();
        }
    }
}
