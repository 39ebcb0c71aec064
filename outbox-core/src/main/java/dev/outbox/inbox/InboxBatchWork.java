package dev.outbox.inbox;

import java.sql.Connection;
import java.util.List;

/** The effect of several messages at once. */
@FunctionalInterface
public interface InboxBatchWork<M> {

    /**
     * Makes the effect of all these messages on this connection, and neither commits, rolls back nor closes it.
     *
     * @param messages the new ones, at least one, in the order they were given
     */
    void run(Connection connection, List<M> messages) throws Exception;
}
