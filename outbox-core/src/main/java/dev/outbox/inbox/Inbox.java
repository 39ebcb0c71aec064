package dev.outbox.inbox;

import dev.outbox.InvalidMessageException;
import dev.outbox.NoTransactionException;
import dev.outbox.OutboxException;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import javax.sql.DataSource;

/**
 * Makes the effect of a message happen once, however often it is delivered: the id of the message is recorded in the
 * transaction of the effect, and a message whose id is there already does nothing.
 *
 * <p>What is promised:
 *
 * <ul>
 *   <li><b>Transaction.</b> The id and all that the work does on the given connection commit together or not at all.
 *       What the work does elsewhere (a call to another service) is not covered.
 *   <li><b>Races.</b> Of several receivers of one id at the same time, one does the work; the others wait for the end
 *       of its transaction, and do the work only if that one rolled back.
 *   <li><b>Failure.</b> Whatever the work throws rolls back both and reaches the caller as it is. A serialization
 *       failure or a deadlock (SQLSTATE 40001, 40P01) is tried again a few times, so the work may run more than once,
 *       but takes effect once. Work that swallows an SQL error, or commits or rolls back by itself, is an error too.
 *   <li><b>Threads.</b> An inbox may be used by any number of threads.
 * </ul>
 *
 * <p>A <em>consumer</em> is the name of one effect: two consumers in one database each receive every message once.
 * Consumer and message id are 1 to 255 bytes without NUL.
 *
 * <pre>{@code
 * Inbox inbox = Inbox.jdbc(dataSource, InboxSettings.defaults());
 * boolean first = inbox.receive("stock", eventId, connection -> reserveStock(connection, order));
 * }</pre>
 */
public interface Inbox {

    /** The most messages that one {@link #receiveAll} takes. */
    int MESSAGES_MAX = 10_000;

    /**
     * Records the id and runs the work in one transaction; does neither if the id is recorded already.
     *
     * @return whether the work ran and was committed; false for a duplicate
     * @throws X what the work threw; both are rolled back
     * @throws InvalidMessageException if consumer or message id are out of bounds; no SQL was sent
     * @throws OutboxException if the database failed; whether the commit took place is unknown only if the connection
     *     was lost during it, and receiving again is safe
     */
    <X extends Exception> boolean receive(String consumer, String messageId, InboxWork<X> work) throws X;

    /**
     * Records the ids and runs the work in the caller's transaction on this connection, which must have auto-commit
     * off. Nothing is committed, rolled back or tried again here: on any exception the caller must roll back.
     *
     * @return whether the work ran; false for a duplicate
     * @throws X what the work threw
     * @throws InvalidMessageException if consumer or message id are out of bounds; no SQL was sent
     * @throws NoTransactionException if the connection is in auto-commit mode; no SQL was sent
     * @throws OutboxException if the database refused or failed
     */
    <X extends Exception> boolean receiveIn(Connection connection, String consumer, String messageId, InboxWork<X> work)
            throws X;

    /**
     * Receives many messages in one transaction: one insert of all ids, the work once for the new ones, one commit. If
     * that fails, every message is received in a transaction of its own, in the order of the list, so that only those
     * fail that cannot succeed.
     *
     * <p>The work may therefore be called again with the same messages, one at a time, after what it did was rolled
     * back. An id that comes twice in the list is received once.
     *
     * <p>In a transaction that is the caller's own (see {@link InboxTransactions#isActive}) nothing is received one by
     * one: a failure is thrown, and the caller must roll back.
     *
     * @param messages at most {@value #MESSAGES_MAX}
     * @param id gives the id of a message
     * @return which messages were received, which were duplicates, and which failed and why; each list in the order of
     *     {@code messages}
     * @throws InvalidMessageException if the consumer or an id is out of bounds; no SQL was sent
     * @throws OutboxException if the database cannot be reached; messages received before are committed and will be
     *     duplicates when they are delivered again
     */
    <M> InboxResult<M> receiveAll(
            String consumer, List<M> messages, Function<? super M, String> id, InboxBatchWork<M> work);

    /**
     * Forgets ids recorded longer than {@code age} ago (by the database's clock), in transactions of a bounded number
     * of rows each. Keep them longer than any message can be delivered again, replays included. Several instances may
     * run this at once.
     *
     * @param rowsMax the most rows to remove in this call, at least 1; call again while it returns as many
     * @return how many were removed
     * @throws OutboxException if the database failed; what was removed before stays removed
     */
    int removeOlderThan(Duration age, int rowsMax);

    /** An inbox on plain JDBC; each transaction takes a connection of the data source and gives it back. */
    static Inbox jdbc(DataSource dataSource, InboxSettings settings) {
        return over(new DataSourceTransactions(dataSource), settings);
    }

    /** An inbox whose transactions somebody else runs, such as a framework. */
    static Inbox over(InboxTransactions transactions, InboxSettings settings) {
        return new TransactionalInbox(transactions, settings);
    }
}
