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

    /** A failure and what led to it, in one line; of a text with many lines the first says it. */
    public static String inOneLine(Throwable failure) {
        StringBuilder text = new StringBuilder();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            String first =
                    String.valueOf(cause.getMessage()).lines().findFirst().orElse("");
            if (text.indexOf(first) < 0) {
                text.append(text.length() == 0 ? "" : "; ").append(first);
            }
        }
        return text.toString();
    }
}
