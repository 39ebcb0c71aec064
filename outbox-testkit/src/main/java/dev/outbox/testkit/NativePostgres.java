package dev.outbox.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A PostgreSQL server that is a process of this machine, with its data, settings and log in one directory. */
final class NativePostgres implements ServerControl {

    static final String USER = "postgres";

    private static final Duration START_TIMEOUT = Duration.ofMinutes(2);
    private static final Duration STOP_TIMEOUT = Duration.ofMinutes(2);
    private static final Duration KILL_TIMEOUT = Duration.ofMinutes(2);
    private static final int PID_LINE = 0;
    private static final int STATUS_LINE = 7;

    private final Path home;
    private final Path directory;
    private final boolean temporary;
    private final Map<String, String> settings;
    private int port;
    private @Nullable NativeProcess process;

    NativePostgres(PostgresOptions options) {
        this.home = PostgresBinaries.home(options.version());
        this.temporary = options.directory().isEmpty();
        this.directory = options.directory().orElseGet(() -> Directories.temporary("outbox-postgres-"));
        this.settings = options.settings();
        this.port = options.port();
    }

    /** Makes the cluster if there is none, and starts it; a free port that was lost to somebody else is replaced. */
    NativePostgres startFirst() {
        try {
            if (!Files.exists(data().resolve("PG_VERSION"))) {
                initialise();
            }
            boolean anyPort = port == 0;
            for (int triesLeft = 3; ; triesLeft--) {
                port = anyPort ? Ports.free() : port;
                try {
                    start();
                    return this;
                } catch (IllegalStateException e) {
                    if (!anyPort || triesLeft == 1 || Ports.isFree(port)) {
                        throw e;
                    }
                }
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    int port() {
        return port;
    }

    private Path data() {
        return directory.resolve("data");
    }

    private Path log() {
        return directory.resolve("postgres.log");
    }

    private void initialise() {
        try {
            Files.createDirectories(data());
            Privileges.give(directory);
            Privileges.give(data());
            List<String> initdb = new ArrayList<>(
                    List.of("initdb", "-D", data().toString(), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C"));
            if (temporary) {
                // Concerns the empty cluster only, and nobody wants that back after a power failure.
                initdb.add("--no-sync");
            }
            Process run = new ProcessBuilder(command(initdb))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
                    .start();
            if (run.waitFor() != 0) {
                throw new IllegalStateException(
                        "initdb failed: directory=" + data() + ", log:\n" + new LogFile(log()).tail());
            }
            Files.writeString(
                    data().resolve("postgresql.conf"), "\ninclude = 'testkit.conf'\n", StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException("Cluster not made: directory=" + data(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while making a cluster: directory=" + data(), e);
        }
    }

    private List<String> command(List<String> program) {
        return Stream.of(
                        Privileges.prefix().stream(),
                        Stream.of(home.resolve("bin").resolve(program.get(0)).toString()),
                        program.stream().skip(1))
                .flatMap(s -> s)
                .toList();
    }

    @Override
    public void start() {
        if (isRunning()) {
            throw new IllegalStateException("PostgreSQL runs already: pid=" + pid() + ", port=" + port);
        }
        configure();
        awaitPredecessor();
        NativeProcess started = NativeProcess.start(new NativeProcess.Spec(
                command(List.of("postgres", "-D", data().toString())),
                Map.of(),
                directory,
                log(),
                // Immediate: whoever could have waited for an orderly end is gone.
                "QUIT",
                temporary ? directory : null));
        process = started;
        try {
            Await.until(
                    "PostgreSQL to accept connections: port=" + port,
                    START_TIMEOUT,
                    () -> !started.isAlive() || statusIs("ready", started.pid()));
        } catch (IllegalStateException e) {
            kill();
            throw new IllegalStateException(e.getMessage() + ", log:\n" + started.logTail(), e);
        }
        if (!started.isAlive()) {
            throw new IllegalStateException(
                    "PostgreSQL ended while starting: port=" + port + ", log:\n" + started.logTail());
        }
    }

    /** In a file rather than on the command line, so that ALTER SYSTEM still has the last word. */
    private void configure() {
        String own = """
                listen_addresses = '127.0.0.1'
                port = %d
                unix_socket_directories = ''
                """.formatted(port);
        String given = settings.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .map(s -> s.getKey() + " = '" + s.getValue().replace("'", "''") + "'\n")
                .collect(Collectors.joining());
        try {
            Files.writeString(data().resolve("testkit.conf"), own + given);
        } catch (IOException e) {
            throw new UncheckedIOException("Settings not written: directory=" + data(), e);
        }
    }

    /** A server left by a killed JVM may still be ending in this directory. */
    private void awaitPredecessor() {
        String pid = lockLine(PID_LINE);
        if (!pid.isEmpty()) {
            Signals.awaitGone(ProcessHandle.of(Long.parseLong(pid)).stream().toList(), KILL_TIMEOUT);
        }
    }

    private boolean statusIs(String status, long pid) {
        return lockLine(PID_LINE).equals(Long.toString(pid))
                && lockLine(STATUS_LINE).equals(status);
    }

    /** A line of postmaster.pid, which is how pg_ctl knows, too; empty when there is none. */
    private String lockLine(int index) {
        try {
            Path lock = data().resolve("postmaster.pid");
            List<String> lines = Files.exists(lock) ? Files.readAllLines(lock) : List.of();
            return lines.size() > index ? lines.get(index).trim() : "";
        } catch (NoSuchFileException e) {
            return "";
        } catch (IOException e) {
            throw new UncheckedIOException("Lock file not readable: directory=" + data(), e);
        }
    }

    @Override
    public void stop() {
        NativeProcess running = running();
        running.signal("INT");
        running.stopped("PostgreSQL", STOP_TIMEOUT);
    }

    /**
     * The postmaster stands still while its children are listed, so that none is born unseen; then all are killed. Left
     * alone, a busy backend would finish its statement and keep the shared memory that a restart needs.
     */
    @Override
    public void kill() {
        NativeProcess running = running();
        Signals.freeze(running.pid(), KILL_TIMEOUT);
        List<ProcessHandle> children = Signals.children(running.pid());
        children.forEach(ProcessHandle::destroyForcibly);
        running.kill();
        running.stopped("PostgreSQL", KILL_TIMEOUT);
        Signals.awaitGone(children, KILL_TIMEOUT);
    }

    @Override
    public void suspend() {
        throw new UnsupportedOperationException(
                "PostgreSQL is many processes and is not suspended; freeze its connections with TcpProxy");
    }

    @Override
    public void resume() {
        suspend();
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
            throw new IllegalStateException("PostgreSQL is not running: port=" + port + ", directory=" + directory);
        }
        return process;
    }

    @Override
    public void close() {
        try {
            NativeProcess running = process;
            if (running != null && running.isAlive()) {
                running.signal(temporary ? "QUIT" : "INT");
                running.stopped("PostgreSQL", STOP_TIMEOUT);
            }
        } finally {
            if (temporary) {
                Directories.remove(directory);
            }
        }
    }
}
