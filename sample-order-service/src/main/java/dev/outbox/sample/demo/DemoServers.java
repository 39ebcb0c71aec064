package dev.outbox.sample.demo;

import dev.outbox.sample.inventory.InventoryApplication;
import dev.outbox.sample.order.OrderApplication;
import dev.outbox.testkit.JavaCommand;
import dev.outbox.testkit.JavaProcess;
import dev.outbox.testkit.PostgresOptions;
import dev.outbox.testkit.PostgresServer;
import dev.outbox.testkit.TestDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The servers and services of the demo, each a process of its own. What does not need another is started at the same
 * time.
 */
final class DemoServers implements AutoCloseable {

    private static final String INVENTORY = "inventory-service";
    private static final Duration START_TIMEOUT = Duration.ofMinutes(2);
    private static final Pattern PORT = Pattern.compile("Tomcat started on port (\\d+)");
    private static final Path RELAY_TARGET = Path.of("outbox-relay", "target");

    /** A service and where it listens. */
    record Service(String name, JavaProcess process, JsonHttp http) {

        /** Whether its log says that it received an event with this outcome. */
        boolean received(String eventId, String outcome) {
            return Pattern.compile("Received: id=" + eventId + ", .*outcome=" + outcome)
                    .matcher(process.output())
                    .find();
        }
    }

    private final Report report;
    private final Path logs;
    private final ExecutorService threads = Executors.newCachedThreadPool(DemoServers::thread);
    private final Deque<AutoCloseable> running = new ArrayDeque<>();
    private final CompletableFuture<PostgresServer> postgres;
    private final CompletableFuture<DemoBroker> broker;
    private final CompletableFuture<TestDatabase> orders;
    private final CompletableFuture<TestDatabase> inventory;
    private final CompletableFuture<Service> orderService;
    private volatile CompletableFuture<Service> inventoryService;
    private final CompletableFuture<JavaProcess> relay;

    /** Begins to start everything. */
    DemoServers(Report report, Path logs, Supplier<DemoBroker> startBroker) {
        this.report = report;
        this.logs = logs;
        this.broker = CompletableFuture.supplyAsync(() -> started(startBroker), threads);
        this.postgres = CompletableFuture.supplyAsync(this::startPostgres, threads);
        this.orders = postgres.thenApply(server -> server.createDatabase("orders"));
        this.inventory = orders.thenCombine(postgres, (first, server) -> server.createDatabase("inventory"));
        this.orderService = orders.thenApplyAsync(
                database -> startService(
                        "order-service", withDatabase(JavaCommand.ofClass(OrderApplication.class.getName()), database)),
                threads);
        // The order service brings the tables that the relay reads.
        this.relay = orderService
                .thenCombine(broker, (service, server) -> server)
                .thenCombineAsync(orders, this::startRelay, threads);
        this.inventoryService = inventory.thenCombineAsync(broker, this::startInventory, threads);
    }

    /** Waits until everything runs. */
    void await() {
        try {
            CompletableFuture.allOf(relay, orderService, inventoryService).join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    PostgresServer postgres() {
        return postgres.join();
    }

    OrdersView view() {
        return broker.join().view();
    }

    JsonHttp orderService() {
        return orderService.join().http();
    }

    Service inventoryService() {
        return inventoryService.join();
    }

    /** Ends the inventory service, which finishes the event in hand. */
    void stopInventoryService() {
        inventoryService().process().stop();
        report.done(INVENTORY + "  stopped");
    }

    /** Starts the inventory service again if it was stopped. */
    void ensureInventoryService() {
        if (!inventoryService().process().isAlive()) {
            inventoryService = CompletableFuture.completedFuture(startInventory(inventory.join(), broker.join()));
        }
    }

    Rows ordersRows() {
        return rows(orders.join());
    }

    Rows inventoryRows() {
        return rows(inventory.join());
    }

    /** Waits until one of the processes has ended, which none should. */
    String awaitEnd() {
        Map<String, JavaProcess> processes = Map.of(
                "order-service",
                orderService.join().process(),
                INVENTORY,
                inventoryService().process(),
                "relay",
                relay.join());
        while (true) {
            for (Map.Entry<String, JavaProcess> each : processes.entrySet()) {
                if (each.getValue().awaitExit(Duration.ofMillis(300)).isPresent()) {
                    return each.getKey();
                }
            }
        }
    }

    /** Natively where that works, since it is quicker; elsewhere in Docker. */
    private PostgresServer startPostgres() {
        // A setting of its own keeps it off a server that the environment names for tests.
        PostgresOptions options = PostgresOptions.defaults().withSetting("max_connections", "100");
        PostgresServer server = kept(PostgresServer.start(isLinux() ? options.asNativeOnly() : options));
        report.done("PostgreSQL         " + server.host() + ":" + server.port() + ", databases orders and inventory");
        return server;
    }

    private DemoBroker started(Supplier<DemoBroker> start) {
        DemoBroker server = kept(start.get());
        report.done(server.description());
        return server;
    }

    /** One that does not keep the demo from ending. */
    private static Thread thread(Runnable work) {
        Thread thread = new Thread(work, "demo-start");
        thread.setDaemon(true);
        return thread;
    }

    static boolean isLinux() {
        return "Linux".equals(System.getProperty("os.name"));
    }

    private Service startService(String name, JavaCommand command) {
        JavaProcess process = kept(JavaProcess.start(small(command)
                .withEnvironment("SERVICE_NAME", name)
                .withArguments("--server.port=0")
                .withLog(log(name))));
        Matcher port = PORT.matcher(process.awaitLine(PORT.pattern(), START_TIMEOUT));
        process.awaitLine("Started \\w+ in", START_TIMEOUT);
        if (!port.find()) {
            throw new IllegalStateException("Port not found: log=" + process.log());
        }
        JsonHttp http = new JsonHttp("http://127.0.0.1:" + port.group(1));
        report.done(String.format("%-18s %s, process %d", name, http.base(), process.pid()));
        return new Service(name, process, http);
    }

    private Service startInventory(TestDatabase database, DemoBroker server) {
        JavaCommand command = withDatabase(JavaCommand.ofClass(InventoryApplication.class.getName()), database)
                // What became of each event it received is in its log then.
                .withEnvironment("LOGGING_LEVEL_DEV_OUTBOX_CONSUMER", "debug");
        return startService(INVENTORY, withEnvironment(command, server.serviceEnvironment()));
    }

    private JavaProcess startRelay(DemoBroker server, TestDatabase database) {
        JavaCommand command = withEnvironment(small(JavaCommand.ofJar(relayJar())), server.relayEnvironment())
                .withEnvironment("OUTBOX_DATABASE_URL", database.jdbcUrl())
                .withEnvironment("OUTBOX_DATABASE_USER", database.user())
                .withEnvironment("OUTBOX_DATABASE_PASSWORD", database.password())
                .withLog(log("relay"));
        JavaProcess process = kept(JavaProcess.start(command));
        process.awaitLine("Relay is running", START_TIMEOUT);
        report.done(String.format("%-18s process %d", "relay", process.pid()));
        return process;
    }

    private static Path relayJar() {
        try (DirectoryStream<Path> jars = Files.newDirectoryStream(RELAY_TARGET, "outbox-relay-*-exec.jar")) {
            for (Path jar : jars) {
                return jar;
            }
        } catch (IOException e) {
            throw new UncheckedIOException("The relay's jar is not there: directory=" + RELAY_TARGET, e);
        }
        throw new IllegalStateException("The relay's jar is not there: run ./demo, which builds it");
    }

    private static JavaCommand withDatabase(JavaCommand command, TestDatabase database) {
        return command.withEnvironment("SPRING_DATASOURCE_URL", database.jdbcUrl())
                .withEnvironment("SPRING_DATASOURCE_USERNAME", database.user())
                .withEnvironment("SPRING_DATASOURCE_PASSWORD", database.password());
    }

    private static JavaCommand withEnvironment(JavaCommand command, Map<String, String> variables) {
        JavaCommand all = command;
        for (Map.Entry<String, String> variable : variables.entrySet()) {
            all = all.withEnvironment(variable.getKey(), variable.getValue());
        }
        return all;
    }

    private static JavaCommand small(JavaCommand command) {
        return command.withJvmOptions("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");
    }

    private Path log(String name) {
        return logs.resolve(name + ".log");
    }

    private static Rows rows(TestDatabase database) {
        return new Rows(database.jdbcUrl(), database.user(), database.password());
    }

    private <C extends AutoCloseable> C kept(C started) {
        synchronized (running) {
            running.push(started);
        }
        return started;
    }

    /** Ends everything, the last one first. What is still starting ends with this JVM. */
    @Override
    public void close() {
        synchronized (running) {
            while (!running.isEmpty()) {
                try {
                    running.pop().close();
                } catch (Exception e) {
                    report.say("Not closed: " + e.getMessage());
                }
            }
        }
    }
}
