package dev.outbox.relay.config;

/**
 * One setting of the relay.
 *
 * @param key its full name; {@code <name>} in it stands for a name of the user's
 * @param type what may be written
 * @param usual its default, as it is written; empty where there is none
 * @param description what it does, for people
 * @param required whether the relay cannot start without it
 * @param secret whether its value is never shown
 */
record Setting(String key, Type type, String usual, String description, boolean required, boolean secret) {

    static Setting optional(String key, Type type, String usual, String description) {
        return new Setting(key, type, usual, description, false, false);
    }

    static Setting required(String key, Type type, String description) {
        return new Setting(key, type, "", description, true, false);
    }

    static Setting secret(String key, Type type, String description) {
        return new Setting(key, type, "", description, false, true);
    }
}
