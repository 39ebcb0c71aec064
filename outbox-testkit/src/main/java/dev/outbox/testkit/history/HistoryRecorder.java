package dev.outbox.testkit.history;

import java.util.Collection;
import java.util.UUID;

/**
 * Where writers and readers record what happened: a {@link History} in memory or a {@link HistoryFile}.
 *
 * <p>Any thread may record. A writer records an append <em>before</em> it commits, so that a crash of the writer leaves
 * at worst a message of unknown outcome, never one that nobody appended.
 */
public interface HistoryRecorder {

    /** A message was appended; its transaction is still open. */
    void appended(Append append);

    /** The messages' transaction or savepoint ended. A message for which this never comes counts as UNKNOWN. */
    void finished(Outcome outcome, Collection<UUID> ids);

    /** A reader saw a message. Deliveries of one key must be recorded in the order in which they were seen. */
    void delivered(Delivery delivery);
}
