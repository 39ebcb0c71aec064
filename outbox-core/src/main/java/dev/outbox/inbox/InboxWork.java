package dev.outbox.inbox;

import java.sql.Connection;

/** The effect of one message. */
@FunctionalInterface
public interface InboxWork<X extends Exception> {

    /** Makes the effect on this connection, and neither commits, rolls back nor closes it. */
    void run(Connection connection) throws X;
}
