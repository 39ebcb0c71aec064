package dev.outbox;

import java.util.List;
import java.util.UUID;

/**
 * The door through which a service appends messages, in the transaction that makes the change they tell of.
 *
 * <p>What is promised:
 *
 * <ul>
 *   <li><b>Transaction.</b> The message becomes part of the caller's current transaction: it is published if and only
 *       if that commits. An append outside a transaction is refused; none is ever begun here.
 *   <li><b>Order.</b> Messages of one topic and key are published in the order of their appends, where the
 *       transactions that append them exclude each other on that key (a row lock, a version check).
 *   <li><b>Failure.</b> Every limit is checked before anything is sent to the database. A refused message leaves the
 *       transaction usable, and its owner decides whether to commit the rest.
 *   <li><b>Threads.</b> An outbox may be used by any number of threads.
 * </ul>
 *
 * <pre>{@code
 * outbox.append(OutboxMessage.of("orders", "order.created", order.id(), new OrderCreated(order.id(), order.total())));
 * }</pre>
 *
 * <p>It is not for messages that must go out although the transaction fails.
 */
public interface Outbox {

    /** The most messages that one {@link #appendAll} takes. */
    int MESSAGES_MAX = 100_000;

    /**
     * Appends one message to the current transaction: one statement, one round trip.
     *
     * @return the id of the message, a UUIDv7 unless the message brought its own
     * @throws InvalidMessageException if the message breaks a limit; no SQL was sent
     * @throws NoTransactionException if there is no transaction to append to; no SQL was sent
     * @throws OutboxException if the database refused or failed; the transaction cannot commit any more
     */
    UUID append(OutboxMessage message);

    /**
     * Appends all messages to the current transaction, in the order of the list, with one statement and one round trip
     * for every 1000 messages or 8 MiB. All of them are checked before the first is sent: either every one is valid or
     * none is appended.
     *
     * @param messages at most {@value #MESSAGES_MAX}; an empty list does nothing
     * @return the ids of the messages, in the order of the list
     * @throws InvalidMessageException if a message breaks a limit ({@link InvalidMessageException#index()} says which);
     *     no SQL was sent
     * @throws NoTransactionException if there is no transaction to append to; no SQL was sent
     * @throws OutboxException if the database refused or failed; the transaction cannot commit any more
     */
    List<UUID> appendAll(List<OutboxMessage> messages);

    /**
     * An outbox for plain JDBC, where the caller gives the connection with each append.
     *
     * <pre>{@code
     * JdbcOutbox outbox = Outbox.jdbc(OutboxSettings.of("order-service"));
     * connection.setAutoCommit(false);
     * outbox.append(connection, message);
     * connection.commit();
     * }</pre>
     */
    static JdbcOutbox jdbc(OutboxSettings settings) {
        return new JdbcOutbox(settings);
    }
}
