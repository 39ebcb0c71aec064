package dev.outbox.testkit.history;

/** How the transaction (or savepoint) that appended a message ended, as its writer knows it. */
public enum Outcome {
    /** The commit was confirmed: the message must be delivered. */
    COMMITTED,
    /** Rolled back, wholly or to a savepoint, or the connection died before the commit was sent: never to be delivered. */
    ROLLED_BACK,
    /** The connection died in the commit: {@link History#resolve} decides afterwards. */
    UNKNOWN
}
