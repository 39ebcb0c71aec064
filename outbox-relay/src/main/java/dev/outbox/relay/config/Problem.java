package dev.outbox.relay.config;

/**
 * What is wrong with one setting.
 *
 * @param key of the setting, or the name as it was written if no setting is called so
 * @param origin where it was written; empty if it is missing
 * @param text what is wrong, the limit and how to mend it, without the value of a secret
 */
public record Problem(String key, String origin, String text) {

    /** One line: {@code outbox.relay.lease=1ms (application.yml:3) is too small; the least is 500ms}. */
    @Override
    public String toString() {
        return key + (origin.isEmpty() ? "" : " (" + origin + ")") + " " + text;
    }
}
