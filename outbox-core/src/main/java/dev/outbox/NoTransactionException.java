package dev.outbox;

/**
 * There was no transaction to append to or to receive in. Nothing was sent to the database. This is a mistake in the
 * program, and the message says how to mend it.
 */
public final class NoTransactionException extends OutboxException {

    public NoTransactionException(String message) {
        super(message);
    }
}
