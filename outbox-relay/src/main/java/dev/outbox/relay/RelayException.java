package dev.outbox.relay;

/** The relay cannot go on, or cannot start, and says why and what would mend it. */
public class RelayException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** An error without a cause of its own. */
    public RelayException(String message) {
        super(message);
    }

    /** An error that another one led to. */
    public RelayException(String message, Throwable cause) {
        super(message, cause);
    }
}
