package dev.outbox.sample.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Runs order service, relay and inventory service on PostgreSQL and a broker of its own, lets some orders go their way, and
 * checks each figure that it prints. Started by the script {@code demo} in the root of the repository, and from there.
 *
 * <p>Arguments: {@code --broker=kafka} (default) or {@code --broker=rabbitmq}; {@code --once} ends after the story, with
 * status 0 if every figure was right. Without it everything goes on running until Ctrl-C.
 */
public final class Demo {

    private static final Path DIRECTORY = Path.of(".demo");
    private static final String LOGS = "logs-";

    private Demo() {}

    /** Runs the demo and ends this JVM: status 0 if all was right, 1 if not. */
    public static void main(String[] args) {
        System.setProperty("logback.configurationFile", "dev/outbox/sample/demo/logback.xml");
        List<String> given = List.of(args);
        Supplier<DemoBroker> broker = given.contains("--broker=rabbitmq") ? DemoRabbit::start : DemoKafka::start;
        System.exit(run(broker, given.contains("--once")));
    }

    private static int run(Supplier<DemoBroker> broker, boolean once) {
        Report report = new Report(System.out);
        Path logs = logs();
        report.title("Starting (logs in " + logs + ")");
        DemoServers servers = new DemoServers(report, logs, broker);
        AtomicBoolean ending = new AtomicBoolean();
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            ending.set(true);
                            servers.close();
                        },
                        "demo-shutdown"));
        try {
            servers.await();
            tell(report, servers);
        } catch (RuntimeException e) {
            if (ending.get()) {
                return 1;
            }
            System.out.println("\nThe demo failed: " + e.getMessage());
            e.printStackTrace();
            return 1;
        }
        report.title(String.format(
                Locale.ROOT,
                "%d figures, %d right, %d wrong, in %.1f s",
                report.right() + report.wrong(),
                report.right(),
                report.wrong(),
                report.seconds()));
        if (!once) {
            servers.ensureInventoryService();
            hints(report, servers);
            String ended = servers.awaitEnd();
            if (!ending.get()) {
                System.out.println("\nProcess has ended: " + ended + "; see " + logs);
            }
            return 1;
        }
        return report.wrong() == 0 ? 0 : 1;
    }

    private static void tell(Report report, DemoServers servers) {
        try (Rows orders = servers.ordersRows();
                Rows stock = servers.inventoryRows();
                OrdersView view = servers.view()) {
            new Story(report, servers, orders, stock, view).tell();
        }
    }

    private static void hints(Report report, DemoServers servers) {
        String shop = servers.orderService().base();
        String psql = "psql -h " + servers.postgres().host() + " -p "
                + servers.postgres().port() + " -U " + servers.postgres().user();
        report.title("Everything goes on running until Ctrl-C. Try:");
        report.say("curl -s " + shop + "/orders");
        report.say("curl -s -H 'Content-Type: application/json' -d '{\"customer\":\"You\",\"items\":"
                + "[{\"sku\":\"pen\",\"quantity\":1,\"unitPrice\":2}]}' " + shop + "/orders");
        report.say("curl -s -X POST " + shop + "/orders/ID/cancel");
        report.say("curl -s " + servers.inventoryService().http().base() + "/stock");
        report.say(psql + " orders -c 'select seq, key, type from outbox.message order by seq'");
        report.say(psql + " inventory -c 'select * from outbox.inbox'");
    }

    /** A directory of this process's own; those of demos that have ended are removed. */
    private static Path logs() {
        try {
            Files.createDirectories(DIRECTORY);
            try (DirectoryStream<Path> earlier = Files.newDirectoryStream(DIRECTORY, LOGS + "*")) {
                for (Path each : earlier) {
                    removeUnlessAlive(each);
                }
            }
            return Files.createDirectories(
                    DIRECTORY.resolve(LOGS + ProcessHandle.current().pid()));
        } catch (IOException e) {
            throw new UncheckedIOException("No place for logs: directory=" + DIRECTORY, e);
        }
    }

    private static void removeUnlessAlive(Path logs) throws IOException {
        long pid = Long.parseLong(logs.getFileName().toString().substring(LOGS.length()));
        if (ProcessHandle.of(pid).isPresent()) {
            return;
        }
        try (Stream<Path> files = Files.list(logs)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(logs);
    }
}
