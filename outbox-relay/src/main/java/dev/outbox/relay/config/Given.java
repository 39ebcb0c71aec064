package dev.outbox.relay.config;

/**
 * A value that somebody gave.
 *
 * @param key of the setting, in the table's spelling
 * @param value as it was written, placeholders filled in
 * @param origin where it was written, for people: {@code application.yml:3}
 */
record Given(String key, String value, String origin) {

    /** The value for people: a secret's is hidden. */
    String shown() {
        return SettingTable.isSecret(key) ? (value.isEmpty() ? "" : "******") : value;
    }
}
