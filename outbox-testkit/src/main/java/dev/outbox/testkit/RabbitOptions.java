package dev.outbox.testkit;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * What kind of RabbitMQ server a test wants.
 *
 * <p>{@link #defaults} serves most tests and is the only one that can be met by a server named in the environment;
 * whatever is asked for beyond it means a server of the test's own.
 *
 * @param port the clients' TCP port on 127.0.0.1; 0 for a free one
 * @param directory where data and log are kept after {@code close()}; empty for a temporary directory
 * @param settings lines of {@code rabbitmq.conf} by key, over the testkit's own; e.g. {@code max_message_size} (16 MiB
 *     unless set) or {@code heartbeat} (10 seconds unless set)
 * @param plugins plugins to enable, e.g. {@code rabbitmq_consistent_hash_exchange}; each makes the start slower
 * @param nativeOnly true to insist on a process of this machine, which has a process id
 */
public record RabbitOptions(
        int port, Optional<Path> directory, Map<String, String> settings, Set<String> plugins, boolean nativeOnly) {

    /** The plugin that serves {@link RabbitServer#managementUri}. */
    public static final String MANAGEMENT = "rabbitmq_management";

    private static final Pattern KEY = Pattern.compile("[a-zA-Z0-9_.$-]+");
    private static final Pattern PLUGIN = Pattern.compile("[a-z0-9_]+");

    /**
     * Checks the range and the names, and copies the collections.
     *
     * @throws IllegalArgumentException if the port is out of range, or a key, value or plugin would not survive in its
     *     file
     */
    public RabbitOptions {
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("Not a port: port=" + port);
        }
        settings.forEach((key, value) -> {
            if (!KEY.matcher(key).matches() || value.contains("\n")) {
                throw new IllegalArgumentException("Not a line of rabbitmq.conf: " + key + " = " + value);
            }
        });
        for (String plugin : plugins) {
            if (!PLUGIN.matcher(plugin).matches()) {
                throw new IllegalArgumentException("Not a plugin's name: plugin=" + plugin);
            }
        }
        settings = Map.copyOf(settings);
        plugins = Set.copyOf(plugins);
    }

    /** A free port, a temporary directory, no plugins, wherever it runs. */
    public static RabbitOptions defaults() {
        return new RabbitOptions(0, Optional.empty(), Map.of(), Set.of(), false);
    }

    /** Insists on a port. */
    public RabbitOptions withPort(int fixed) {
        return new RabbitOptions(fixed, directory, settings, plugins, nativeOnly);
    }

    /** Keeps data and log in a directory, which is made if absent and used again if it holds a server's data. */
    public RabbitOptions withDirectory(Path kept) {
        return new RabbitOptions(port, Optional.of(kept.toAbsolutePath()), settings, plugins, nativeOnly);
    }

    /** Adds a line of {@code rabbitmq.conf}, e.g. {@code vm_memory_high_watermark.absolute} and {@code 200MB}. */
    public RabbitOptions withSetting(String key, String value) {
        Map<String, String> more = new TreeMap<>(settings);
        more.put(key, value);
        return new RabbitOptions(port, directory, more, plugins, nativeOnly);
    }

    /**
     * Enables plugins beside those enabled already. Of those that listen, {@link #MANAGEMENT} gets a free port of
     * 127.0.0.1; any other needs a setting that says where.
     */
    public RabbitOptions withPlugins(String... names) {
        Set<String> more = new TreeSet<>(plugins);
        more.addAll(Set.of(names));
        return new RabbitOptions(port, directory, settings, more, nativeOnly);
    }

    /** Insists on a native process, for tests that want its process id. */
    public RabbitOptions asNativeOnly() {
        return new RabbitOptions(port, directory, settings, plugins, true);
    }

    /** Why a server that somebody else configured cannot serve; empty when it can. */
    Optional<String> externalRefusal() {
        if (port != 0) {
            return Optional.of("port " + port);
        }
        if (!plugins.isEmpty()) {
            return Optional.of("plugins " + new TreeSet<>(plugins));
        }
        return settings.isEmpty() ? dockerRefusal() : Optional.of("settings " + settings.keySet());
    }

    /** Why a container cannot serve; empty when it can. */
    Optional<String> dockerRefusal() {
        return nativeOnly ? Optional.of("a native process") : directory.map(d -> "the data directory " + d);
    }
}
