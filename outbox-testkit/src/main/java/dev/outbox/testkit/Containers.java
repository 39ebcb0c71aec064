package dev.outbox.testkit;

import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.kafka.KafkaContainer;
import org.testcontainers.postgresql.PostgreSQLContainer;

/** Servers in Docker. Their host ports are fixed, since Docker would choose others at a restart. */
final class Containers {

    private static final int POSTGRES_DEFAULT_VERSION = 18;
    private static final int POSTGRES_PORT = 5432;
    private static final String KAFKA_IMAGE = "apache/kafka:4.1.0";
    private static final int KAFKA_PORT = 9092;

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

    /** Which container it is, for messages. */
    static String describe(GenericContainer<?> container) {
        return container.getDockerImageName() + " " + container.getContainerId();
    }

    private Containers() {}
}
