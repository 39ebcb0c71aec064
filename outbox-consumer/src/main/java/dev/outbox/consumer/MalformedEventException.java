package dev.outbox.consumer;

import dev.outbox.OutboxException;

/**
 * What came from the broker is not an event: something that every event has is missing or cannot be read. Its text names
 * the place and what is wrong with it, never the content.
 */
public final class MalformedEventException extends OutboxException {

    /** Something is wrong with the record at this place. */
    public MalformedEventException(Origin origin, String what) {
        super("Not an event: origin=" + origin + ", " + what);
    }
}
