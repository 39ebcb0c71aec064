package dev.outbox.testkit;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.common.Uuid;
import org.jspecify.annotations.Nullable;

/**
 * A Kafka server that is a JVM of this machine: broker and controller in one, with its data, settings and log in one
 * directory. Brokers' own traffic and the testkit's has a listener apart, so that a proxy in front of the clients'
 * disturbs clients only.
 */
final class NativeKafka implements ServerControl {

    private static final Duration START_TIMEOUT = Duration.ofMinutes(2);
    private static final Duration STOP_TIMEOUT = Duration.ofMinutes(2);
    private static final Duration KILL_TIMEOUT = Duration.ofMinutes(2);
    private static final int START_TRIES_MAX = 3;
    private static final Pattern STARTED = Pattern.compile("Kafka Server started");

    private final KafkaOptions options;
    private final Path directory;
    private final boolean temporary;
    private final int port;
    private final int internalPort = Ports.free();
    private final int controllerPort = Ports.free();
    private @Nullable NativeProcess process;

    NativeKafka(KafkaOptions options) {
        this.options = options;
        this.temporary = options.directory().isEmpty();
        this.directory = options.directory().orElseGet(() -> Directories.temporary("outbox-kafka-"));
        this.port = options.port() == 0 ? Ports.free() : options.port();
    }

    /** A running server; one that lost a free port to somebody else while starting is replaced. */
    static NativeKafka started(KafkaOptions options) {
        for (int triesLeft = START_TRIES_MAX; ; triesLeft--) {
            NativeKafka server = new NativeKafka(options);
            try {
                server.start();
                return server;
            } catch (RuntimeException e) {
                boolean portLost = new LogFile(server.log()).text().contains("java.net.BindException");
                server.close();
                if (!portLost || options.port() != 0 || triesLeft == 1) {
                    throw e;
                }
            }
        }
    }

    String bootstrapServers() {
        return "127.0.0.1:" + advertisedPort();
    }

    String internalServers() {
        return "127.0.0.1:" + internalPort;
    }

    private int advertisedPort() {
        return options.advertisedPort() == 0 ? port : options.advertisedPort();
    }

    private Path data() {
        return directory.resolve("data");
    }

    private Path log() {
        return directory.resolve("kafka.log");
    }

    /** What makes one node enough and quick to come back, wherever it runs, and what the test asks for. */
    static Map<String, String> testSettings(KafkaOptions options) {
        Map<String, String> settings = new TreeMap<>(Map.of(
                "offsets.topic.replication.factor", "1",
                "offsets.topic.num.partitions", "5",
                "transaction.state.log.replication.factor", "1",
                "transaction.state.log.min.isr", "1",
                "share.coordinator.state.topic.replication.factor", "1",
                "share.coordinator.state.topic.min.isr", "1",
                "group.initial.rebalance.delay.ms", "0",
                "auto.create.topics.enable", "true",
                // After a kill, the old session must expire before the broker is let in again; any shorter, and a
                // machine that is busy makes the controller take a broker for dead that is not.
                "broker.session.timeout.ms", "3000",
                "broker.heartbeat.interval.ms", "300"));
        // Test data carry dates of any age.
        settings.put("log.retention.ms", "-1");
        settings.putAll(options.settings());
        return settings;
    }

    private Map<String, String> settings() {
        Map<String, String> settings = new TreeMap<>(Map.of(
                "process.roles", "broker,controller",
                "node.id", "1",
                "controller.quorum.voters", "1@127.0.0.1:" + controllerPort,
                "listeners",
                        "CLIENT://127.0.0.1:" + port + ",INTERNAL://127.0.0.1:" + internalPort
                                + ",CONTROLLER://127.0.0.1:" + controllerPort,
                "advertised.listeners",
                        "CLIENT://127.0.0.1:" + advertisedPort() + ",INTERNAL://127.0.0.1:" + internalPort,
                "listener.security.protocol.map", "CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "controller.listener.names", "CONTROLLER",
                "inter.broker.listener.name", "INTERNAL",
                "log.dirs", data().toString()));
        settings.putAll(testSettings(options));
        return settings;
    }

    @Override
    public void start() {
        if (isRunning()) {
            throw new IllegalStateException("Kafka runs already: pid=" + pid() + ", port=" + port);
        }
        Path properties = configure();
        LogFile log = new LogFile(log());
        long from = log.size();
        NativeProcess started = NativeProcess.start(new NativeProcess.Spec(
                command(properties), Map.of(), directory, log(), "KILL", temporary ? directory : null));
        process = started;
        try {
            log.awaitLine(STARTED, from, START_TIMEOUT, started::isAlive);
        } catch (IllegalStateException e) {
            started.kill();
            throw new IllegalStateException("Kafka did not start: port=" + port + ": " + e.getMessage(), e);
        }
    }

    private Path configure() {
        Path file = directory.resolve("server.properties");
        try {
            Files.createDirectories(data());
            Files.writeString(
                    file,
                    settings().entrySet().stream()
                            .map(s -> s.getKey() + "=" + s.getValue().replace("\\", "\\\\") + "\n")
                            .collect(Collectors.joining()));
            if (!Files.exists(log())) {
                Files.createFile(log());
            }
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException("Settings not written: directory=" + directory, e);
        }
    }

    private List<String> command(Path properties) {
        List<String> command = new ArrayList<>(List.of(
                JavaCommand.javaProgram(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.showDateTime=true",
                "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS"));
        command.addAll(options.jvmOptions());
        command.addAll(List.of(
                "-cp",
                KafkaLibraries.classpath().stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator)),
                KafkaMain.class.getName(),
                properties.toString(),
                data().toString(),
                Uuid.randomUuid().toString()));
        return command;
    }

    @Override
    public void stop() {
        NativeProcess running = running();
        running.terminate();
        running.stopped("Kafka", STOP_TIMEOUT);
    }

    @Override
    public void kill() {
        NativeProcess running = running();
        running.kill();
        running.stopped("Kafka", KILL_TIMEOUT);
    }

    @Override
    public void suspend() {
        Signals.freeze(running().pid(), KILL_TIMEOUT);
    }

    @Override
    public void resume() {
        running().signal("CONT");
    }

    @Override
    public long pid() {
        return running().pid();
    }

    @Override
    public boolean isRunning() {
        return process != null && process.isAlive();
    }

    private NativeProcess running() {
        if (process == null || !process.isAlive()) {
            throw new IllegalStateException("Kafka is not running: port=" + port + ", directory=" + directory);
        }
        return process;
    }

    /** In order only where the data are kept: a throw-away server is killed. */
    @Override
    public void close() {
        try {
            if (isRunning()) {
                if (temporary) {
                    kill();
                } else {
                    resume();
                    stop();
                }
            }
        } finally {
            if (temporary) {
                Directories.remove(directory);
            }
        }
    }
}
