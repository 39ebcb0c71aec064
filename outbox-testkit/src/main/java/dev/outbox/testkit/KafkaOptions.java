package dev.outbox.testkit;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What kind of Kafka server a test wants.
 *
 * <p>{@link #defaults} serves most tests and is the only one that can be met by a server named in the environment;
 * whatever is asked for beyond it means a server of the test's own.
 *
 * @param port the clients' TCP port on 127.0.0.1; 0 for a free one
 * @param advertisedPort the port that clients are told to use, e.g. a {@link TcpProxy}'s; 0 for {@code port} itself
 * @param directory where data and log are kept after {@code close()}; empty for a temporary directory
 * @param settings broker settings by name, over the testkit's own; e.g. {@code num.partitions} (1 unless set) or
 *     {@code auto.create.topics.enable} (true unless set)
 * @param jvmOptions options of the server's JVM, after the testkit's own, which keep it small: {@code -Xmx256m} and
 *     the quick compiler only; a benchmark gives {@code -Xmx1g -XX:TieredStopAtLevel=4}
 * @param nativeOnly true to insist on a process of this machine, which can be killed and has a process id
 */
public record KafkaOptions(
        int port,
        int advertisedPort,
        Optional<Path> directory,
        Map<String, String> settings,
        List<String> jvmOptions,
        boolean nativeOnly) {

    /**
     * Checks the ranges and copies the collections.
     *
     * @throws IllegalArgumentException if a port is out of range
     */
    public KafkaOptions {
        if (port < 0 || port > 65_535 || advertisedPort < 0 || advertisedPort > 65_535) {
            throw new IllegalArgumentException("Not a port: port=" + port + ", advertisedPort=" + advertisedPort);
        }
        settings = Map.copyOf(settings);
        jvmOptions = List.copyOf(jvmOptions);
    }

    /** A free port, a temporary directory, topics made at first use with one partition, wherever it runs. */
    public static KafkaOptions defaults() {
        return new KafkaOptions(0, 0, Optional.empty(), Map.of(), List.of(), false);
    }

    /** Insists on a port. */
    public KafkaOptions withPort(int fixed) {
        return new KafkaOptions(fixed, advertisedPort, directory, settings, jvmOptions, nativeOnly);
    }

    /** Sends clients to another port, where a proxy listens. */
    public KafkaOptions withAdvertisedPort(int advertised) {
        return new KafkaOptions(port, advertised, directory, settings, jvmOptions, nativeOnly);
    }

    /** Keeps data and log in a directory, which is made if absent and used again if it holds a server's data. */
    public KafkaOptions withDirectory(Path kept) {
        return new KafkaOptions(
                port, advertisedPort, Optional.of(kept.toAbsolutePath()), settings, jvmOptions, nativeOnly);
    }

    /** Adds a broker setting. */
    public KafkaOptions withSetting(String name, String value) {
        Map<String, String> more = new TreeMap<>(settings);
        more.put(name, value);
        return new KafkaOptions(port, advertisedPort, directory, more, jvmOptions, nativeOnly);
    }

    /** Whether a topic is made when it is first used; the default is true. */
    public KafkaOptions withAutoCreateTopics(boolean enabled) {
        return withSetting("auto.create.topics.enable", Boolean.toString(enabled));
    }

    /** Partitions of a topic made at first use; the default is 1. */
    public KafkaOptions withPartitions(int partitions) {
        return withSetting("num.partitions", Integer.toString(partitions));
    }

    /** Replaces the options of the server's JVM that follow the testkit's own. */
    public KafkaOptions withJvmOptions(String... options) {
        return new KafkaOptions(port, advertisedPort, directory, settings, List.of(options), nativeOnly);
    }

    /** Insists on a native process, for tests that kill it. */
    public KafkaOptions asNativeOnly() {
        return new KafkaOptions(port, advertisedPort, directory, settings, jvmOptions, true);
    }

    /** Why a server that somebody else configured cannot serve; empty when it can. */
    Optional<String> externalRefusal() {
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
        if (advertisedPort != 0) {
            return Optional.of("the advertised port " + advertisedPort);
        }
        return jvmOptions.isEmpty()
                ? directory.map(d -> "the data directory " + d)
                : Optional.of("JVM options " + jvmOptions);
    }
}
