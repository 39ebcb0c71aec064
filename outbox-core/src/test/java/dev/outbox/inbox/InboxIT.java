package dev.outbox.inbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outbox.InvalidMessageException;
import dev.outbox.NoTransactionException;
import dev.outbox.OutboxException;
import dev.outbox.schema.OutboxSchema;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.postgresql.ds.PGSimpleDataSource;

@ExtendWith(OutboxServers.class)
class InboxIT {

    private final TestDatabase database;
    private final Inbox inbox;

    InboxIT(TestDatabase database) {
        this.database = database;
        this.inbox = Inbox.jdbc(database.dataSource(), InboxSettings.defaults().withSchema("consumer"));
    }

    @BeforeAll
    static void migrate(TestDatabase database) {
        OutboxSchema.migrateInbox(database.dataSource(), "consumer");
        database.execute("create table effect (id text, who int default 0);"
                + " create table account (id int primary key, balance int)");
    }

    @BeforeEach
    void clear() {
        database.execute("truncate consumer.inbox, effect, account;"
                + " insert into account values (1, 0), (2, 0);"
                + " drop table if exists strict");
    }

    @Test
    void anEffectHappensOnceForEachConsumer() {
        assertThat(inbox.receive("stock", "m1", connection -> effect(connection, "m1")))
                .isTrue();
        assertThat(inbox.receive("stock", "m1", connection -> effect(connection, "m1")))
                .isFalse();
        assertThat(inbox.receive("mail", "m1", connection -> effect(connection, "mail m1")))
                .isTrue();
        assertThat(effects()).containsExactly("m1", "mail m1");
        assertThat(strings("select consumer || ' ' || message_id from consumer.inbox order by 1"))
                .containsExactly("mail m1", "stock m1");
    }

    @Test
    void whatTheWorkThrowsRollsBackBothAndReachesTheCallerAsItIs() {
        IOException checked = new IOException("disk");
        assertThatThrownBy(() -> inbox.receive("stock", "m1", connection -> {
                    effect(connection, "m1");
                    throw checked;
                }))
                .isSameAs(checked);
        AssertionError error = new AssertionError("broken");
        assertThatThrownBy(() -> inbox.receive("stock", "m1", connection -> {
                    effect(connection, "m1");
                    throw error;
                }))
                .isSameAs(error);
        assertThatThrownBy(() -> inbox.receive("stock", "m1", connection -> execute(connection, "select 1/0")))
                .isInstanceOf(IllegalStateException.class)
                .hasRootCauseInstanceOf(SQLException.class);
        assertThat(effects()).isEmpty();
        assertThat(strings("select message_id from consumer.inbox")).isEmpty();
        assertThat(inbox.receive("stock", "m1", connection -> effect(connection, "m1")))
                .isTrue();
    }

    @Test
    void aFailureThatTheWorkSwallowedIsNotTakenForSuccess() {
        assertThatThrownBy(() -> inbox.receive("stock", "m1", connection -> {
                    try {
                        execute(connection, "select 1/0");
                    } catch (IllegalStateException e) {
                        assertThat(e).hasRootCauseInstanceOf(SQLException.class);
                    }
                }))
                .isInstanceOf(OutboxException.class)
                .hasMessageContaining("the work caught an SQL error");
        assertThatThrownBy(() -> inbox.receive("stock", "m1", Connection::rollback))
                .isInstanceOf(OutboxException.class)
                .hasMessageContaining("ended the transaction by itself");
        assertThat(strings("select message_id from consumer.inbox")).isEmpty();
    }

    @Test
    void ofManyReceiversOfOneMessageOneDoesTheWork() throws Exception {
        assertThat(together(8, i -> inbox.receive("stock", "m1", connection -> effect(connection, "m1"))))
                .containsOnlyOnce(true)
                .hasSize(8);
        assertThat(effects()).containsExactly("m1");
    }

    @Test
    void aRacingReceiverUnderSerializableIsTriedAgainAndFindsADuplicate() throws Exception {
        PGSimpleDataSource strict = (PGSimpleDataSource) database.dataSource();
        strict.setOptions("-c default_transaction_isolation=serializable");
        Inbox serializable = Inbox.jdbc(
                strict, InboxSettings.defaults().withSchema("consumer").withAttemptsMax(50));
        assertThat(together(
                        6,
                        i -> serializable.receive("stock", "m" + i % 2, connection -> {
                            execute(connection, "update account set balance = balance + 1 where id = 1");
                            effect(connection, "m" + i % 2);
                        })))
                .filteredOn(first -> first)
                .hasSize(2);
        assertThat(strings("select balance from account where id = 1")).containsExactly("2");
        assertThat(effects()).containsExactlyInAnyOrder("m0", "m1");
    }

    @Test
    void aDeadlockIsTriedAgain() throws Exception {
        CyclicBarrier bothHoldOne = new CyclicBarrier(2);
        AtomicInteger runs = new AtomicInteger();
        Inbox patient = Inbox.jdbc(
                database.dataSource(),
                InboxSettings.defaults().withSchema("consumer").withAttemptsMax(50));
        together(
                2,
                i -> patient.receive("stock", "m" + i, connection -> {
                    int first = 1 + i;
                    execute(connection, "set local deadlock_timeout = '20ms'");
                    execute(connection, "update account set balance = balance + 1 where id = " + first);
                    if (runs.incrementAndGet() <= 2) {
                        bothHoldOne.await(60, TimeUnit.SECONDS);
                    }
                    execute(connection, "update account set balance = balance + 1 where id = " + (3 - first));
                }));
        // Whoever is tried again may take its first lock before the other one has noticed, and deadlock once more.
        assertThat(runs).hasValueGreaterThanOrEqualTo(3);
        assertThat(strings("select balance from account")).containsExactly("2", "2");
    }

    @Test
    void retriesAreBounded() {
        AtomicInteger runs = new AtomicInteger();
        Inbox thrice = Inbox.jdbc(
                database.dataSource(),
                InboxSettings.defaults()
                        .withSchema("consumer")
                        .withAttemptsMax(3)
                        .withBackoff(Duration.ZERO));
        assertThatThrownBy(() -> thrice.receive("stock", "m1", connection -> {
                    runs.incrementAndGet();
                    throw new SQLException("conflict", "40001");
                }))
                .isInstanceOf(SQLException.class);
        assertThat(runs).hasValue(3);
    }

    @Test
    void receivesInTheTransactionOfTheCaller() throws SQLException {
        try (Connection connection = database.connection()) {
            assertThatThrownBy(() -> inbox.receiveIn(connection, "stock", "m1", c -> effect(c, "m1")))
                    .isInstanceOf(NoTransactionException.class)
                    .hasMessageContaining("auto-commit");
            connection.setAutoCommit(false);
            assertThat(inbox.receiveIn(connection, "stock", "m1", c -> effect(c, "m1")))
                    .isTrue();
            connection.rollback();
            assertThat(inbox.receiveIn(connection, "stock", "m1", c -> effect(c, "m1")))
                    .isTrue();
            assertThat(inbox.receiveIn(connection, "stock", "m1", c -> effect(c, "m1")))
                    .isFalse();
            connection.commit();
        }
        assertThat(effects()).containsExactly("m1");
    }

    @Test
    void aBatchRunsTheWorkOnceForTheNewOnes() {
        inbox.receive("stock", "m2", connection -> effect(connection, "m2"));
        List<List<String>> calls = new ArrayList<>();
        InboxResult<String> result =
                inbox.receiveAll("stock", List.of("m3", "m2", "m1", "m3"), Function.identity(), (connection, fresh) -> {
                    calls.add(fresh);
                    fresh.forEach(m -> effect(connection, m));
                });
        assertThat(result.received()).containsExactly("m3", "m1");
        assertThat(result.duplicates()).containsExactly("m2", "m3");
        assertThat(result.failures()).isEmpty();
        assertThat(calls).containsExactly(List.of("m3", "m1"));
        assertThat(effects()).containsExactly("m2", "m3", "m1");
        InboxResult<String> again =
                inbox.receiveAll("stock", List.of("m1"), Function.identity(), (connection, fresh) -> {
                    throw new AssertionError("nothing is new");
                });
        assertThat(again.duplicates()).containsExactly("m1");
        assertThat(inbox.<String>receiveAll("stock", List.of(), Function.identity(), (c, fresh) -> calls.add(fresh)))
                .isEqualTo(new InboxResult<>(List.of(), List.of(), List.of()));
    }

    @Test
    void aFailingBatchIsReceivedOneByOneAndNamesWhatFailed() {
        inbox.receive("stock", "m1", connection -> effect(connection, "m1"));
        IOException broken = new IOException("broken");
        InboxResult<String> result = inbox.receiveAll(
                "stock", List.of("m1", "m2", "bad", "m3", "m2"), Function.identity(), (connection, fresh) -> {
                    for (String m : fresh) {
                        effect(connection, m);
                        if (m.equals("bad")) {
                            throw broken;
                        }
                    }
                });
        assertThat(result.received()).containsExactly("m2", "m3");
        assertThat(result.duplicates()).containsExactly("m1", "m2");
        assertThat(result.failures()).containsExactly(new InboxResult.Failure<>("bad", broken));
        assertThat(effects()).containsExactly("m1", "m2", "m3");
        assertThat(strings("select message_id from consumer.inbox order by 1")).containsExactly("m1", "m2", "m3");
    }

    @Test
    void aBatchThatFailsAtCommitIsReceivedOneByOne() {
        database.execute("create table strict (id text unique deferrable initially deferred)");
        InboxResult<String> result = inbox.receiveAll(
                "stock",
                List.of("m1", "m2", "m3"),
                Function.identity(),
                (connection, fresh) -> fresh.forEach(
                        m -> execute(connection, "insert into strict values ('" + (m.equals("m3") ? "m1" : m) + "')")));
        assertThat(result.received()).containsExactly("m1", "m2");
        assertThat(result.failures()).extracting(InboxResult.Failure::message).containsExactly("m3");
        assertThat(strings("select id from strict order by 1")).containsExactly("m1", "m2");
    }

    @Test
    void aLostConnectionIsNoFaultOfTheMessages() {
        AtomicInteger runs = new AtomicInteger();
        assertThatThrownBy(() -> inbox.receiveAll(
                        "stock", List.of("m1", "m2", "m3"), Function.identity(), (connection, fresh) -> {
                            runs.incrementAndGet();
                            execute(connection, "select pg_terminate_backend(pg_backend_pid())");
                        }))
                .isInstanceOf(RuntimeException.class)
                .hasRootCauseInstanceOf(SQLException.class);
        assertThat(runs).hasValue(1);
        DataSource nowhere = nowhere();
        assertThatThrownBy(() -> Inbox.jdbc(nowhere, InboxSettings.defaults())
                        .receiveAll("stock", List.of("m1", "m2"), Function.identity(), (c, fresh) -> effect(c, "")))
                .isInstanceOf(OutboxException.class)
                .hasMessageContaining("sqlState=08001");
    }

    @Test
    void batchesThatShareIdsInAnyOrderDoNotFail() throws Exception {
        List<String> up = IntStream.range(0, 200).mapToObj(i -> "m" + i).toList();
        List<String> down =
                IntStream.range(0, 200).mapToObj(i -> "m" + (199 - i)).toList();
        List<InboxResult<String>> results = together(
                6,
                i -> inbox.receiveAll(
                        "stock",
                        i % 2 == 0 ? up : down,
                        Function.identity(),
                        (connection, fresh) -> fresh.forEach(m -> effect(connection, m))));
        assertThat(results.stream().mapToInt(r -> r.received().size()).sum()).isEqualTo(200);
        assertThat(results).allMatch(r -> r.failures().isEmpty());
        assertThat(effects()).hasSize(200).doesNotHaveDuplicates();
    }

    @Test
    void forgetsWhatIsOldInBoundedSteps() {
        database.execute("insert into consumer.inbox select 'stock', 'old' || i, now() - interval '8 days'"
                + " from generate_series(1, 2500) i; insert into consumer.inbox values ('stock', 'new', now())");
        assertThat(inbox.removeOlderThan(Duration.ofDays(7), 1)).isEqualTo(1);
        assertThat(inbox.removeOlderThan(Duration.ofDays(7), 2001)).isEqualTo(2001);
        assertThat(inbox.removeOlderThan(Duration.ofDays(7), 10_000)).isEqualTo(498);
        assertThat(inbox.removeOlderThan(Duration.ofDays(7), 10_000)).isZero();
        assertThat(strings("select message_id from consumer.inbox")).containsExactly("new");
        assertThatThrownBy(() -> inbox.removeOlderThan(Duration.ofDays(-1), 1)).hasMessageContaining("age=PT-24H");
        assertThatThrownBy(() -> inbox.removeOlderThan(Duration.ZERO, 0)).hasMessageContaining("rowsMax=0");
    }

    @Test
    void checksNamesAtTheDoor() {
        for (String bad : List.of("", "a\0", "é".repeat(128), "\ud83d")) {
            assertThatThrownBy(() -> inbox.receive(bad, "m1", c -> effect(c, "m1")))
                    .isInstanceOf(InvalidMessageException.class)
                    .hasMessageContaining("field=consumer")
                    .hasMessageContaining("1..255 bytes");
            assertThatThrownBy(() ->
                            inbox.receiveAll("stock", List.of("m1", bad), Function.identity(), (c, m) -> effect(c, "")))
                    .isInstanceOf(InvalidMessageException.class)
                    .hasMessageContaining("field=messageId");
        }
        assertThat(effects()).isEmpty();
    }

    private interface Step<R> {
        R run(int index) throws Exception;
    }

    private static <R> List<R> together(int threads, Step<R> step) throws Exception {
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        CyclicBarrier barrier = new CyclicBarrier(threads);
        try {
            List<Future<R>> futures = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int index = t;
                futures.add(executor.submit(() -> {
                    barrier.await(60, TimeUnit.SECONDS);
                    return step.run(index);
                }));
            }
            List<R> results = new ArrayList<>();
            for (Future<R> future : futures) {
                results.add(future.get(180, TimeUnit.SECONDS));
            }
            return results;
        } finally {
            executor.shutdownNow();
        }
    }

    private static DataSource nowhere() {
        PGSimpleDataSource nowhere = new PGSimpleDataSource();
        nowhere.setUrl("jdbc:postgresql://127.0.0.1:1/nowhere");
        return nowhere;
    }

    private static void effect(Connection connection, String id) {
        execute(connection, "insert into effect values ('" + id + "')");
    }

    private static void execute(Connection connection, String sql) {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    private List<String> effects() {
        return strings("select id from effect");
    }

    private List<String> strings(String sql) {
        try (Connection connection = database.connection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<String> strings = new ArrayList<>();
            while (rows.next()) {
                strings.add(rows.getString(1));
            }
            return strings;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
