package dev.outbox.relay;

import org.jspecify.annotations.Nullable;

/**
 * How far a lane is: everything visible in {@code published} is done, and of the open window everything up to {@code
 * pageSeq}.
 *
 * <p>A position that was never checkpointed is valid only on the connection that read it: transaction ids are given out
 * anew after a crash of PostgreSQL, so a snapshot that outlives one could take a new row for an old.
 *
 * @param published the snapshot up to which all is published
 * @param window what lies between that snapshot and a later one and is being worked through, or null between windows
 * @param pageSeq the seq up to which the window is done; meaningless without a window
 */
record Position(Snapshot published, @Nullable Window window, long pageSeq) {

    static final Position START = at(Snapshot.BEFORE_ALL);

    static Position at(Snapshot published) {
        return new Position(published, null, 0);
    }

    /** The position after the page that ended at {@code seq}; the window goes on. */
    Position withPage(long seq) {
        return new Position(published, window, seq);
    }
}
