package dev.outbox.testkit;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What kind of PostgreSQL server a test wants.
 *
 * <p>{@link #defaults} serves most tests and is the only one that can be met by a server named in the environment;
 * whatever is asked for beyond it means a server of the test's own.
 *
 * @param version major version, 14 or 18 natively, any with Docker; {@link #ANY_VERSION} for whatever there is
 * @param port TCP port on 127.0.0.1; 0 for a free one
 * @param directory where data and log are kept after {@code close()}; empty for a temporary directory
 * @param settings server settings by name, e.g. {@code wal_level=logical}; they come after PostgreSQL's own defaults,
 *     which are otherwise untouched: fsync and synchronous_commit are on
 * @param nativeOnly true to insist on a process of this machine, which can be killed and has a process id
 */
public record PostgresOptions(
        int version, int port, Optional<Path> directory, Map<String, String> settings, boolean nativeOnly) {

    /** No preference: 18, unless the environment names a server or {@code OUTBOX_TEST_POSTGRES_VERSION}. */
    public static final int ANY_VERSION = 0;

    /**
     * Checks the ranges and copies the settings.
     *
     * @throws IllegalArgumentException if the port or the version is out of range, or a setting's name is not one
     */
    public PostgresOptions {
        if (version < 0) {
            throw new IllegalArgumentException("Not a PostgreSQL version: version=" + version);
        }
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("Not a port: port=" + port);
        }
        for (String name : settings.keySet()) {
            if (!name.matches("[A-Za-z_][A-Za-z0-9_.]*")) {
                throw new IllegalArgumentException("Not the name of a setting: name=" + name);
            }
        }
        settings = Map.copyOf(settings);
    }

    /** Any version, a free port, a temporary directory, PostgreSQL's own settings, wherever it runs. */
    public static PostgresOptions defaults() {
        String version = Settings.find("OUTBOX_TEST_POSTGRES_VERSION");
        return new PostgresOptions(
                version == null ? ANY_VERSION : Integer.parseInt(version), 0, Optional.empty(), Map.of(), false);
    }

    /** Insists on a major version. */
    public PostgresOptions withVersion(int major) {
        return new PostgresOptions(major, port, directory, settings, nativeOnly);
    }

    /** Insists on a port. */
    public PostgresOptions withPort(int fixed) {
        return new PostgresOptions(version, fixed, directory, settings, nativeOnly);
    }

    /** Keeps data and log in a directory, which is made if absent and used again if it holds a cluster. */
    public PostgresOptions withDirectory(Path kept) {
        return new PostgresOptions(version, port, Optional.of(kept.toAbsolutePath()), settings, nativeOnly);
    }

    /** Adds a server setting, e.g. {@code withSetting("wal_level", "logical")}. */
    public PostgresOptions withSetting(String name, String value) {
        Map<String, String> more = new TreeMap<>(settings);
        more.put(name, value);
        return new PostgresOptions(version, port, directory, more, nativeOnly);
    }

    /** Insists on a native process, for tests that kill it. */
    public PostgresOptions asNativeOnly() {
        return new PostgresOptions(version, port, directory, settings, true);
    }

    /** Why a server that somebody else configured cannot serve; empty when it can. */
    Optional<String> externalRefusal() {
        if (version != ANY_VERSION) {
            return Optional.of("version " + version);
        }
        if (port != 0) {
            return Optional.of("port " + port);
        }
        return settings.isEmpty() ? dockerRefusal() : Optional.of("settings " + settings.keySet());
    }

    /** Why a container cannot serve; empty when it can. */
    Optional<String> dockerRefusal() {
        if (nativeOnly) {
            return Optional.of("a native process");
        }
        return directory.map(d -> "the data directory " + d);
    }
}
