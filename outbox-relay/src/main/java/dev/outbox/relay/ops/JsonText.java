package dev.outbox.relay.ops;

/**
 * JSON as the database has it, not looked into.
 *
 * @param text one JSON value
 */
public record JsonText(String text) {

    /** The JSON itself. */
    @Override
    public String toString() {
        return text;
    }
}
