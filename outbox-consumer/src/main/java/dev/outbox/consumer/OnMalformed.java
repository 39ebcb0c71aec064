package dev.outbox.consumer;

/** What happens to a record that is not an event. */
public enum OnMalformed {
    /** Its partition or queue stands still and it is read again and again: nothing behind it is received until somebody acts. */
    RETRY,
    /** It is reported and passed by for good. */
    SKIP
}
