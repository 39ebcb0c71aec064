package dev.outbox;

import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A message, or a name given with it, broke a limit. It was refused before anything was sent to the database: the
 * caller's transaction is as it was and can still commit.
 *
 * <p>The text reads {@code Message refused: field=key, limit=1..1024 bytes, actual=1500 bytes; …}; it never holds a
 * payload, a key or the value of a header.
 */
public final class InvalidMessageException extends OutboxException {

    private final String field;
    private final String limit;
    private final String actual;
    private final int index;

    /** A refusal of {@code field}: what is allowed, and what was given (its size or kind, never its content). */
    public InvalidMessageException(String field, String limit, String actual) {
        this(field, limit, actual, -1, null);
    }

    InvalidMessageException(String field, String limit, String actual, int index, @Nullable Throwable cause) {
        super(
                "Message refused: field=" + field + ", limit=" + limit + ", actual=" + actual
                        + (index < 0 ? "" : ", index=" + index) + "; nothing was sent to the database",
                cause);
        this.field = field;
        this.limit = limit;
        this.actual = actual;
        this.index = index;
    }

    /** The name of the field as {@link OutboxMessage} spells it, such as {@code key} or {@code headers[trace]}. */
    public String field() {
        return field;
    }

    /** What is allowed, with its unit, such as {@code 1..1024 bytes}. */
    public String limit() {
        return limit;
    }

    /** What was given, with its unit, such as {@code 1500 bytes}. */
    public String actual() {
        return actual;
    }

    /** The position of the message in the list given to {@link Outbox#appendAll}; empty for a single message. */
    public OptionalInt index() {
        return index < 0 ? OptionalInt.empty() : OptionalInt.of(index);
    }

    InvalidMessageException at(int position) {
        InvalidMessageException placed = new InvalidMessageException(field, limit, actual, position, getCause());
        placed.setStackTrace(getStackTrace());
        return placed;
    }
}
