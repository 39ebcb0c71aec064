package dev.outbox.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A RabbitMQ server that is a process of this machine, with its data, settings and log in one directory, and with an
 * Erlang port mapper of its own, so that it meets no other Erlang program.
 */
final class NativeRabbit implements ServerControl {

    static final String USER = "guest";
    static final String PASSWORD = "guest";

    private static final Duration START_TIMEOUT = Duration.ofMinutes(2);
    private static final Duration STOP_TIMEOUT = Duration.ofMinutes(1);
    private static final Duration KILL_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration COMMAND_TIMEOUT = Duration.ofMinutes(1);
    private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(1);
    private static final int START_TRIES_MAX = 3;
    private static final Pattern STARTED = Pattern.compile("Server startup complete");
    private static final Pattern PORT_LOST = Pattern.compile("eaddrinuse|dist_port_already_used");
    private static final String LOOPBACK = "127.0.0.1";
    private static final String LOOPBACK_ONLY = "-kernel inet_dist_use_interface {127,0,0,1}";

    private final RabbitBinaries binaries;
    private final RabbitOptions options;
    private final Path directory;
    private final boolean temporary;
    private final int port;
    private final int nodePort = Ports.free();
    private final int managementPort = Ports.free();
    private int mapperPort;
    private @Nullable NativeProcess mapper;
    private @Nullable NativeProcess process;

    NativeRabbit(RabbitOptions options) {
        this.binaries = RabbitBinaries.find();
        this.options = options;
        this.temporary = options.directory().isEmpty();
        this.directory = options.directory().orElseGet(() -> Directories.temporary("outbox-rabbit-"));
        this.port = options.port() == 0 ? Ports.free() : options.port();
    }

    /** A running server; one that lost a free port to somebody else while starting is replaced. */
    static NativeRabbit started(RabbitOptions options) {
        for (int triesLeft = START_TRIES_MAX; ; triesLeft--) {
            NativeRabbit server = new NativeRabbit(options);
            try {
                server.start();
                return server;
            } catch (RuntimeException e) {
                boolean portLost =
                        PORT_LOST.matcher(new LogFile(server.log()).text()).find();
                server.close();
                if (!portLost || options.port() != 0 || triesLeft == 1) {
                    throw e;
                }
            }
        }
    }

    int port() {
        return port;
    }

    Optional<String> managementUri() {
        return options.plugins().contains(RabbitOptions.MANAGEMENT)
                ? Optional.of("http://" + LOOPBACK + ":" + managementPort)
                : Optional.empty();
    }

    private Path log() {
        return directory.resolve("rabbitmq.log");
    }

    @Override
    public void start() {
        if (isRunning()) {
            throw new IllegalStateException("RabbitMQ runs already: pid=" + pid() + ", port=" + port);
        }
        configure();
        startMapper();
        LogFile log = new LogFile(log());
        long from = log.size();
        NativeProcess started = NativeProcess.start(new NativeProcess.Spec(
                program(binaries.scripts().resolve("rabbitmq-server")),
                Map.of(),
                directory,
                log(),
                "KILL",
                temporary ? directory : null));
        process = started;
        try {
            log.awaitLine(STARTED, from, START_TIMEOUT, started::isAlive);
        } catch (IllegalStateException e) {
            started.kill();
            throw new IllegalStateException("RabbitMQ did not start: port=" + port + ": " + e.getMessage(), e);
        }
    }

    /** What suits a test's server, wherever it runs, and what the test asks for. */
    static Map<String, String> testSettings(RabbitOptions options) {
        Map<String, String> settings = new TreeMap<>(Map.of(
                // A full disk is the machine's trouble, not the test's.
                "disk_free_limit.absolute", "1MB",
                // As in RabbitMQ 4; before, it was 128 MB.
                "max_message_size", "16777216",
                // A connection whose other end was frozen or cut off is given up after two of these.
                "heartbeat", "10",
                "log.console", "true",
                "log.console.level", "info",
                "log.console.use_colors", "off",
                "log.connection.level", "warning"));
        settings.putAll(options.settings());
        return settings;
    }

    /** The lines of {@code rabbitmq.conf}. */
    static String lines(Map<String, String> settings) {
        return settings.entrySet().stream()
                .map(s -> s.getKey() + " = " + s.getValue() + "\n")
                .collect(Collectors.joining());
    }

    /** What stands in the file of enabled plugins. */
    static String pluginList(Set<String> plugins) {
        return "[" + String.join(",", new TreeSet<>(plugins)) + "].\n";
    }

    private void configure() {
        Map<String, String> settings = new TreeMap<>(testSettings(options));
        settings.put("listeners.tcp.1", LOOPBACK + ":" + port);
        if (options.plugins().contains(RabbitOptions.MANAGEMENT)) {
            settings.putIfAbsent("management.tcp.ip", LOOPBACK);
            settings.put("management.tcp.port", Integer.toString(managementPort));
        }
        settings.put("log.file", "false");
        try {
            Files.createDirectories(directory);
            Files.writeString(file("rabbitmq.conf"), lines(settings));
            Files.writeString(file("enabled_plugins"), pluginList(options.plugins()));
            Path cookie = file(".erlang.cookie");
            if (!Files.exists(cookie)) {
                Files.writeString(cookie, Names.random() + Names.random());
                // Erlang insists.
                Files.setPosixFilePermissions(cookie, PosixFilePermissions.fromString("r--------"));
            }
            if (!Files.exists(log())) {
                Files.createFile(log());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Settings not written: directory=" + directory, e);
        }
    }

    private Path file(String name) {
        return directory.resolve(name);
    }

    /**
     * A command line with an environment of its own: what the user has set for an installed RabbitMQ or Erlang must not
     * reach this one.
     */
    private List<String> program(Path file, String... arguments) {
        Map<String, String> environment = new TreeMap<>(binaries.environment());
        environment.putAll(Map.of(
                "HOME",
                directory.toString(),
                "LANG",
                "C.UTF-8",
                "ERL_EPMD_ADDRESS",
                LOOPBACK,
                "ERL_EPMD_PORT",
                Integer.toString(mapperPort),
                // The port mapper is ours to start; one that Erlang starts stays behind for ever.
                "ERL_AFLAGS",
                "-start_epmd false",
                "ERL_CRASH_DUMP_SECONDS",
                "0"));
        environment.putAll(Map.of(
                // The script then becomes the server instead of waiting for it.
                "RUNNING_UNDER_SYSTEMD", "1",
                "RABBITMQ_NODENAME", "outbox@localhost",
                "RABBITMQ_DIST_PORT", Integer.toString(nodePort),
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", LOOPBACK_ONLY,
                "RABBITMQ_CTL_ERL_ARGS", LOOPBACK_ONLY,
                "RABBITMQ_MNESIA_BASE", file("data").toString(),
                "RABBITMQ_LOG_BASE", file("log").toString(),
                "RABBITMQ_ENABLED_PLUGINS_FILE", file("enabled_plugins").toString(),
                "RABBITMQ_CONFIG_FILE", file("rabbitmq.conf").toString()));
        for (String absent : List.of("CONFIG_FILES", "ADVANCED_CONFIG_FILE", "CONF_ENV_FILE")) {
            environment.put("RABBITMQ_" + absent, file("none").toString());
        }
        List<String> command = new ArrayList<>(List.of("env", "-i"));
        environment.forEach((name, value) -> command.add(name + "=" + value));
        command.add(file.toString());
        command.addAll(Arrays.asList(arguments));
        return command;
    }

    /** One port mapper serves until {@link #close}, over the server's restarts. */
    private void startMapper() {
        if (mapper != null && mapper.isAlive()) {
            return;
        }
        for (int triesLeft = START_TRIES_MAX; ; triesLeft--) {
            mapperPort = Ports.free();
            NativeProcess started = NativeProcess.start(new NativeProcess.Spec(
                    program(Path.of("epmd"), "-address", LOOPBACK, "-port", Integer.toString(mapperPort)),
                    Map.of(),
                    directory,
                    file("epmd.log"),
                    "KILL",
                    null));
            mapper = started;
            Await.until(
                    "Erlang's port mapper to listen: port=" + mapperPort,
                    START_TIMEOUT,
                    () -> !started.isAlive() || listens(mapperPort));
            if (started.isAlive()) {
                return;
            }
            if (triesLeft == 1) {
                throw new IllegalStateException("Erlang's port mapper ended while starting: port=" + mapperPort
                        + ", log:\n" + started.logTail());
            }
        }
    }

    private static boolean listens(int port) {
        try (Socket socket = new Socket()) {
            socket.connect(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), port), (int) PROBE_TIMEOUT.toMillis());
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** Runs {@code rabbitmqctl} on the running server, see {@link RabbitCommands}. */
    String command(String... arguments) {
        running();
        return Errand.run(
                "run rabbitmqctl " + arguments[0],
                program(
                        binaries.scripts().resolve("rabbitmqctl"),
                        Stream.concat(Stream.of("-q"), Stream.of(arguments)).toArray(String[]::new)),
                Map.of(),
                directory,
                COMMAND_TIMEOUT);
    }

    @Override
    public void stop() {
        end(NativeProcess::terminate, STOP_TIMEOUT);
    }

    @Override
    public void kill() {
        end(NativeProcess::kill, KILL_TIMEOUT);
    }

    /** Waits for its helpers, too: they end by themselves when they notice. */
    private void end(Consumer<NativeProcess> signal, Duration timeout) {
        NativeProcess running = running();
        List<ProcessHandle> helpers = Signals.children(running.pid());
        signal.accept(running);
        running.stopped("RabbitMQ", timeout);
        Signals.awaitGone(helpers, KILL_TIMEOUT);
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
            throw new IllegalStateException("RabbitMQ is not running: port=" + port + ", directory=" + directory);
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
            if (mapper != null) {
                mapper.kill();
                mapper.stopped("Erlang's port mapper", KILL_TIMEOUT);
            }
            if (temporary) {
                Directories.remove(directory);
            }
        }
    }
}
