package dev.outbox.testkit;

import org.jspecify.annotations.Nullable;

/** What a user sets from outside: system properties, which win, and environment variables of the same names. */
final class Settings {

    /** The value of that name; null when it is absent or blank. */
    static @Nullable String find(String name) {
        String property = System.getProperty(name);
        String value = property != null ? property : System.getenv(name);
        return value == null || value.isBlank() ? null : value;
    }

    private Settings() {}
}
