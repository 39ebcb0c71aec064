package dev.outbox.relay.doctor;

/**
 * One line of a check.
 *
 * @param subject what was looked at
 * @param state whether it will do
 * @param text what was found, and how to mend what is wrong
 */
public record Finding(String subject, State state, String text) {

    /** Whether something will do. */
    public enum State {
        /** It will do. */
        OK,
        /** It will do, but somebody should look. */
        WARNING,
        /** A relay could not work like this. */
        FAILED
    }

    /** It will do. */
    public static Finding ok(String subject, String text) {
        return new Finding(subject, State.OK, text);
    }

    /** It will do, but somebody should look. */
    public static Finding warning(String subject, String text) {
        return new Finding(subject, State.WARNING, text);
    }

    /** A relay could not work like this. */
    public static Finding failed(String subject, String text) {
        return new Finding(subject, State.FAILED, text);
    }
}
