package dev.outbox.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.testcontainers.containers.Container.ExecResult;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.images.builder.Transferable;
import org.testcontainers.kafka.KafkaContainer;
import org.testcontainers.postgresql.PostgreSQLContainer;
import org.testcontainers.rabbitmq.RabbitMQContainer;

/** Servers in Docker. Their host ports are fixed, since Docker would choose others at a restart. */
final class Containers {

    private static final int POSTGRES_DEFAULT_VERSION = 18;
    private static final int POSTGRES_PORT = 5432;
    private static final String KAFKA_IMAGE = "apache/kafka:4.1.0";
    private static final int KAFKA_PORT = 9092;
    private static final String RABBIT_IMAGE = "rabbitmq:4-management-alpine";
    private static final int RABBIT_PORT = 5672;
    private static final int RABBIT_MANAGEMENT_PORT = 15672;
    private static final String RABBIT_SETTINGS = "/etc/rabbitmq/conf.d/90-testkit.conf";
    private static final String RABBIT_PLUGINS = "/etc/rabbitmq/enabled_plugins";

    @SuppressWarnings("resource") // Closed by the control that holds it.
    static PostgresServer postgres(PostgresOptions options) {
        int version = options.version() == PostgresOptions.ANY_VERSION ? POSTGRES_DEFAULT_VERSION : options.version();
        int port = options.port() == 0 ? Ports.free() : options.port();
        PostgreSQLContainer container = new PostgreSQLContainer("postgres:" + version);
        // The container's own command turns fsync off.
        List<String> command = new ArrayList<>(List.of("postgres"));
        options.settings().forEach((name, value) -> command.addAll(List.of("-c", name + "=" + value)));
        container.setCommand(command.toArray(String[]::new));
        container.setPortBindings(List.of(port + ":" + POSTGRES_PORT));
        container.start();
        PostgresServer.Address address = new PostgresServer.Address(
                container.getHost(),
                port,
                container.getDatabaseName(),
                "",
                container.getUsername(),
                container.getPassword());
        String url = "jdbc:postgresql://" + address.host() + ":" + port + "/" + address.database();
        return new PostgresServer(
                new ContainerControl(container, () -> connects(url, address.user(), address.password())), address);
    }

    private static boolean connects(String url, String user, String password) {
        try {
            DriverManager.getConnection(url, user, password).close();
            return true;
        } catch (SQLException e) {
            return false;
        }
    }

    @SuppressWarnings("resource") // Closed by the control that holds it.
    static KafkaServer kafka(KafkaOptions options) {
        int port = options.port() == 0 ? Ports.free() : options.port();
        KafkaContainer container = new KafkaContainer(KAFKA_IMAGE);
        NativeKafka.testSettings(options)
                .forEach((name, value) -> container.addEnv(
                        "KAFKA_" + name.toUpperCase(Locale.ROOT).replace('.', '_'), value));
        container.setPortBindings(List.of(port + ":" + KAFKA_PORT));
        container.start();
        String bootstrap = container.getHost() + ":" + port;
        return new KafkaServer(
                new ContainerControl(container, () -> KafkaAdmin.answers(bootstrap)), bootstrap, bootstrap);
    }

    @SuppressWarnings("resource") // Closed by the control that holds it.
    static RabbitServer rabbit(RabbitOptions options) {
        int port = options.port() == 0 ? Ports.free() : options.port();
        int managementPort = Ports.free();
        RabbitMQContainer container = new RabbitMQContainer(RABBIT_IMAGE);
        // Read after the image's own file, so that the container's port stays what it is.
        container.withCopyToContainer(
                Transferable.of(NativeRabbit.lines(NativeRabbit.testSettings(options))), RABBIT_SETTINGS);
        container.withCopyToContainer(Transferable.of(NativeRabbit.pluginList(options.plugins())), RABBIT_PLUGINS);
        container.setPortBindings(List.of(port + ":" + RABBIT_PORT, managementPort + ":" + RABBIT_MANAGEMENT_PORT));
        container.start();
        RabbitServer.Address address = new RabbitServer.Address(
                "amqp", container.getHost(), port, container.getAdminUsername(), container.getAdminPassword(), "/");
        RabbitCommands commands = arguments -> command(container, arguments);
        return new RabbitServer(
                new ContainerControl(container, () -> answers(commands)),
                address,
                commands,
                options.plugins().contains(RabbitOptions.MANAGEMENT)
                        ? Optional.of("http://" + container.getHost() + ":" + managementPort)
                        : Optional.empty());
    }

    private static boolean answers(RabbitCommands commands) {
        try {
            commands.run("await_startup", "--timeout", "5");
            return true;
        } catch (IllegalStateException e) {
            return false;
        }
    }

    private static String command(GenericContainer<?> container, String... arguments) {
        List<String> command = new ArrayList<>(List.of("rabbitmqctl", "-q"));
        command.addAll(Arrays.asList(arguments));
        String what = "rabbitmqctl " + arguments[0] + ", container=" + describe(container);
        try {
            ExecResult result = container.execInContainer(command.toArray(String[]::new));
            if (result.getExitCode() != 0) {
                throw new IllegalStateException("Command failed: " + what + ", exit code=" + result.getExitCode()
                        + ", output:\n" + result.getStdout() + result.getStderr());
            }
            return result.getStdout();
        } catch (IOException e) {
            throw new UncheckedIOException("Command not run: " + what, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted during " + what, e);
        }
    }

    /** Which container it is, for messages. */
    static String describe(GenericContainer<?> container) {
        return container.getDockerImageName() + " " + container.getContainerId();
    }

    private Containers() {}
}
