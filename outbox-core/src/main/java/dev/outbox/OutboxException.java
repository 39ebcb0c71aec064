package dev.outbox;

import org.jspecify.annotations.Nullable;

/**
 * What went wrong in the outbox; the root of all its exceptions. Its message carries ids and numbers, never the content
 * of a message. A failure of the database is the {@linkplain #getCause() cause}.
 */
public class OutboxException extends RuntimeException {

    public OutboxException(String message) {
        super(message);
    }

    public OutboxException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
