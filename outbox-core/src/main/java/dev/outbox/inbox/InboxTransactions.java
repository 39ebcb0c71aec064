package dev.outbox.inbox;

import java.sql.Connection;
import org.jspecify.annotations.Nullable;

/**
 * Runs the transactions of an {@link Inbox}: the seam for frameworks with transactions of their own. Must be usable by
 * any number of threads.
 */
public interface InboxTransactions {

    /**
     * Runs the body in a transaction: begins one (or joins the current one, see {@link #isActive}), commits it when the
     * body returns, rolls it back when the body throws anything, and lets that through.
     */
    <R extends @Nullable Object> R inTransaction(Body<R> body) throws Exception;

    /**
     * Whether the current thread is in a transaction that {@link #inTransaction} would join. What fails in a joined
     * transaction cannot be tried again here.
     */
    default boolean isActive() {
        return false;
    }

    /** What happens in a transaction. */
    @FunctionalInterface
    interface Body<R extends @Nullable Object> {

        R run(Connection connection) throws Exception;
    }
}
