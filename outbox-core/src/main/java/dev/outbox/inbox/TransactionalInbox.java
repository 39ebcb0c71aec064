package dev.outbox.inbox;

import dev.outbox.InvalidMessageException;
import dev.outbox.NoTransactionException;
import dev.outbox.OutboxException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The inbox over any kind of transactions: what is tried again, what is split, and what is the caller's to see. */
final class TransactionalInbox implements Inbox {

    private static final Logger LOG = LoggerFactory.getLogger(TransactionalInbox.class);

    private static final int NAME_BYTES_MAX = 255;
    private static final int REMOVE_ROWS_MAX = 1000;
    private static final long BACKOFF_NANOS_MAX = Duration.ofSeconds(1).toNanos();

    private final InboxTransactions transactions;
    private final InboxSettings settings;
    private final InboxTable table;

    TransactionalInbox(InboxTransactions transactions, InboxSettings settings) {
        this.transactions = transactions;
        this.settings = settings;
        this.table = new InboxTable(settings.schema());
    }

    @Override
    public <X extends Exception> boolean receive(String consumer, String messageId, InboxWork<X> work) throws X {
        checkName("consumer", consumer);
        checkName("messageId", messageId);
        Progress progress = new Progress();
        try {
            return retrying(consumer, progress, connection -> {
                progress.step = Step.RECORD;
                boolean fresh = table.record(connection, consumer, messageId);
                if (fresh) {
                    progress.step = Step.WORK;
                    work.run(connection);
                    progress.step = Step.COMMIT;
                    TransactionCheck.requireUsable(connection);
                }
                progress.step = Step.COMMIT;
                return fresh;
            });
        } catch (Exception e) {
            if (progress.step == Step.WORK) {
                throw TransactionalInbox.<X>thrownByWork(e);
            }
            throw failed(consumer, 1, e);
        }
    }

    @Override
    public <X extends Exception> boolean receiveIn(
            Connection connection, String consumer, String messageId, InboxWork<X> work) throws X {
        checkName("consumer", consumer);
        checkName("messageId", messageId);
        try {
            if (connection.getAutoCommit()) {
                throw new NoTransactionException(
                        "Receive refused: the connection is in auto-commit mode, so there is no transaction to join;"
                                + " call setAutoCommit(false), or use receive, which runs its own transaction");
            }
            if (!table.record(connection, consumer, messageId)) {
                return false;
            }
        } catch (SQLException e) {
            throw failed(consumer, 1, e);
        }
        work.run(connection);
        try {
            TransactionCheck.requireUsable(connection);
        } catch (SQLException e) {
            throw failed(consumer, 1, e);
        }
        return true;
    }

    @Override
    public <M> InboxResult<M> receiveAll(
            String consumer, List<M> messages, Function<? super M, String> id, InboxBatchWork<M> work) {
        checkName("consumer", consumer);
        if (messages.size() > MESSAGES_MAX) {
            throw new InvalidMessageException(
                    "messages", "0.." + MESSAGES_MAX + " messages", messages.size() + " messages");
        }
        List<Item<M>> items = new ArrayList<>(messages.size());
        for (M message : messages) {
            items.add(new Item<>(message, checkName("messageId", id.apply(message))));
        }
        if (items.isEmpty()) {
            return new InboxResult<>(List.of(), List.of(), List.of());
        }
        boolean joined = transactions.isActive();
        Progress progress = new Progress();
        try {
            return receiveTogether(consumer, progress, items, work);
        } catch (Exception e) {
            if (joined || !isOfTheMessages(progress, e)) {
                throw failed(consumer, items.size(), e);
            }
            if (items.size() == 1) {
                M message = items.get(0).message();
                return new InboxResult<>(List.of(), List.of(), List.of(new InboxResult.Failure<>(message, e)));
            }
            LOG.info("Batch failed: consumer={}, messages={}; receiving one by one", consumer, items.size(), e);
            return receiveEach(consumer, items, work);
        }
    }

    private <M> InboxResult<M> receiveTogether(
            String consumer, Progress progress, List<Item<M>> items, InboxBatchWork<M> work) throws Exception {
        Set<String> ids = new LinkedHashSet<>();
        items.forEach(item -> ids.add(item.id()));
        return retrying(consumer, progress, connection -> {
            progress.step = Step.RECORD;
            Set<String> fresh = table.recordAll(connection, consumer, ids);
            List<M> received = new ArrayList<>(fresh.size());
            List<M> duplicates = new ArrayList<>();
            for (Item<M> item : items) {
                (fresh.remove(item.id()) ? received : duplicates).add(item.message());
            }
            InboxResult<M> result = new InboxResult<>(received, duplicates, List.of());
            if (!received.isEmpty()) {
                progress.step = Step.WORK;
                work.run(connection, result.received());
                progress.step = Step.COMMIT;
                TransactionCheck.requireUsable(connection);
            }
            progress.step = Step.COMMIT;
            return result;
        });
    }

    private <M> InboxResult<M> receiveEach(String consumer, List<Item<M>> items, InboxBatchWork<M> work) {
        List<M> received = new ArrayList<>();
        List<M> duplicates = new ArrayList<>();
        List<InboxResult.Failure<M>> failures = new ArrayList<>();
        for (Item<M> item : items) {
            Progress progress = new Progress();
            try {
                InboxResult<M> result = receiveTogether(consumer, progress, List.of(item), work);
                received.addAll(result.received());
                duplicates.addAll(result.duplicates());
            } catch (Exception e) {
                if (!isOfTheMessages(progress, e)) {
                    throw failed(consumer, items.size(), e);
                }
                failures.add(new InboxResult.Failure<>(item.message(), e));
            }
        }
        return new InboxResult<>(received, duplicates, failures);
    }

    @Override
    public int removeOlderThan(Duration age, int rowsMax) {
        if (age.isNegative() || rowsMax < 1) {
            throw new IllegalArgumentException("Removal refused: age must not be negative and rowsMax at least 1: age="
                    + age + ", rowsMax=" + rowsMax);
        }
        int removed = 0;
        int last;
        int rows;
        do {
            rows = Math.min(REMOVE_ROWS_MAX, rowsMax - removed);
            int rowsNow = rows;
            try {
                last = retrying("", new Progress(), connection -> table.remove(connection, age, rowsNow));
            } catch (Exception e) {
                throw e instanceof RuntimeException unchecked
                        ? unchecked
                        : new OutboxException("Removal failed: removed=" + removed + "; these stay removed", e);
            }
            removed += last;
        } while (last == rows && removed < rowsMax);
        return removed;
    }

    private <R> R retrying(String consumer, Progress progress, InboxTransactions.Body<R> body) throws Exception {
        boolean joined = transactions.isActive();
        for (int attempt = 1; ; attempt++) {
            progress.step = Step.BEGIN;
            try {
                return transactions.inTransaction(body);
            } catch (Exception e) {
                String sqlState = sqlState(e);
                boolean conflict = "40001".equals(sqlState) || "40P01".equals(sqlState);
                if (joined || !conflict || attempt >= settings.attemptsMax()) {
                    throw e;
                }
                LOG.debug(
                        "Transaction conflicted: consumer={}, sqlState={}, attempt={}/{}; trying again",
                        consumer,
                        sqlState,
                        attempt,
                        settings.attemptsMax());
                LockSupport.parkNanos(backoffNanos(attempt));
                if (Thread.currentThread().isInterrupted()) {
                    throw e;
                }
            }
        }
    }

    private long backoffNanos(int attempt) {
        long most = Math.min(settings.backoff().toNanos() << Math.min(attempt - 1, 20), BACKOFF_NANOS_MAX);
        return ThreadLocalRandom.current().nextLong(most + 1);
    }

    /** Whether another message could fare better: not when the database is away or the thread is asked to stop. */
    private static boolean isOfTheMessages(Progress progress, Exception e) {
        if (e instanceof InterruptedException) {
            Thread.currentThread().interrupt();
        }
        String sqlState = sqlState(e);
        boolean away = sqlState != null && (sqlState.startsWith("08") || sqlState.startsWith("57P"));
        return (progress.step == Step.WORK || progress.step == Step.COMMIT)
                && !away
                && !Thread.currentThread().isInterrupted();
    }

    /** The state of the first SQL error behind an exception, however it was wrapped. */
    private static @Nullable String sqlState(Throwable failure) {
        Throwable cause = failure;
        for (int depth = 0; cause != null && depth < 32; depth++) {
            if (cause instanceof SQLException sql && sql.getSQLState() != null) {
                return sql.getSQLState();
            }
            cause = cause.getCause();
        }
        return null;
    }

    private static OutboxException failedChecked(String consumer, int messages, Exception e) {
        return new OutboxException(
                "Receive failed: consumer=" + consumer + ", messages=" + messages + ", sqlState=" + sqlState(e)
                        + "; nothing of this transaction is kept, and receiving again is safe",
                e);
    }

    private static RuntimeException failed(String consumer, int messages, Exception e) {
        return e instanceof RuntimeException unchecked ? unchecked : failedChecked(consumer, messages, e);
    }

    /** What came out of the work is an X or unchecked, as the compiler saw to it. */
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private static <X extends Exception> X thrownByWork(Exception e) {
        return (X) e;
    }

    private static String checkName(String field, @Nullable String name) {
        String limit = "1.." + NAME_BYTES_MAX + " bytes";
        if (name == null) {
            throw new InvalidMessageException(field, limit, "null");
        }
        int bytes = name.getBytes(StandardCharsets.UTF_8).length;
        if (bytes < 1 || bytes > NAME_BYTES_MAX) {
            throw new InvalidMessageException(field, limit, bytes + " bytes");
        }
        if (name.indexOf('\0') >= 0) {
            throw new InvalidMessageException(field, limit + " without NUL", "NUL at " + name.indexOf('\0'));
        }
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(name)) {
            throw new InvalidMessageException(field, limit + " of whole characters", "an unpaired surrogate");
        }
        return name;
    }

    private record Item<M>(M message, String id) {}

    private enum Step {
        BEGIN,
        RECORD,
        WORK,
        COMMIT
    }

    /** How far the last attempt came: tells a failure of the work from one of the database. */
    private static final class Progress {

        private Step step = Step.BEGIN;
    }
}
