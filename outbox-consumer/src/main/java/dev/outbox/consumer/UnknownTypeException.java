package dev.outbox.consumer;

import dev.outbox.OutboxException;

/**
 * The type of an event has no handler, and the handlers refuse such ({@link OnUnknownType#REFUSE}). Thrown before a
 * transaction was begun. What mends it is a handler for the type, or {@link OnUnknownType#IGNORE}.
 */
public final class UnknownTypeException extends OutboxException {

    private final String type;

    UnknownTypeException(ReceivedEvent event, String consumer) {
        super("Type has no handler: id=" + event.id() + ", type=" + event.type() + ", consumer=" + consumer
                + "; nothing was done");
        this.type = event.type();
    }

    /** The type of the event. */
    public String type() {
        return type;
    }
}
