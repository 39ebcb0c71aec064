package dev.outbox.relay.broker;

/**
 * Why a message was not published.
 *
 * @param kind who is at fault, which decides what happens next
 * @param errorClass the error's name, at most 255 bytes, such as {@code RecordTooLargeException}
 * @param error what was said, at most {@value #ERROR_CHARS_MAX} characters
 */
public record Failure(Kind kind, String errorClass, String error) {

    /** The longest error text that is kept; three bytes a character stay within the 2000 bytes of the table. */
    public static final int ERROR_CHARS_MAX = 660;

    /** Who is at fault. */
    public enum Kind {
        /** The broker or the way to it: nothing is counted against the message, the lane waits and starts again. */
        OUTAGE,
        /** The destination: it is missing, or may not be written to. */
        TOPIC,
        /** The message itself: the broker will never take it as it is. */
        MESSAGE
    }

    /** Cuts what is too long, and replaces characters that PostgreSQL cannot store. */
    public Failure {
        errorClass = bounded(errorClass, 80);
        error = bounded(error, ERROR_CHARS_MAX);
    }

    /** A failure that tells an exception's class and message; of those that only wrap another, the other's. */
    public static Failure of(Kind kind, Throwable cause) {
        Throwable telling = cause;
        while (telling.getMessage() == null && telling.getCause() != null) {
            telling = telling.getCause();
        }
        String text = telling.getMessage();
        return new Failure(kind, telling.getClass().getSimpleName(), text == null ? "no further text" : text);
    }

    private static String bounded(String text, int charsMax) {
        String clean = text.replace('\0', ' ');
        return clean.length() <= charsMax ? clean : clean.substring(0, charsMax - 3) + "...";
    }
}
