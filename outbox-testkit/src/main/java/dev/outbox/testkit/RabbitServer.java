package dev.outbox.testkit;

import com.rabbitmq.client.ConnectionFactory;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A RabbitMQ server for tests: one node, unencrypted.
 *
 * <p>It comes from the first of: the address in {@code OUTBOX_TEST_RABBITMQ} (an AMQP address such as
 * {@code amqp://guest:guest@127.0.0.1:5672/%2f}, an environment variable or system property), Docker, a native process:
 * of the RabbitMQ that is installed, else of Debian's packages, which are fetched once and need not be installed. It
 * ends with {@link #close} or with this JVM, even when that is killed.
 *
 * <pre>{@code
 * try (RabbitServer server = RabbitServer.start(RabbitOptions.defaults().asNativeOnly())) {
 *     RabbitVirtualHost host = server.createVirtualHost("orders");
 *     host.addUser("relay", "secret", "", ".*", "");
 *     server.kill();
 *     server.restart();
 * }
 * }</pre>
 *
 * <p>Starting, stopping, killing and suspending belong to one thread at a time.
 */
public final class RabbitServer implements AutoCloseable {

    private static final String VARIABLE = "OUTBOX_TEST_RABBITMQ";
    /** In one command: each takes up to a second. */
    private static final String NEW_VIRTUAL_HOST = """
            Name = %s,
            User = %s,
            By = <<"outbox-testkit">>,
            false = rabbit_vhost:exists(Name),
            ok = rabbit_vhost:add(Name, By),
            ok = rabbit_auth_backend_internal:set_permissions(User, Name, <<".*">>, <<".*">>, <<".*">>, By).
            """;

    /** The tables of Mnesia, where it is used, and the registry of quorum queues. */
    private static final String SYNC = """
            ok = case mnesia:system_info(is_running) of yes -> mnesia:sync_log(); no -> ok end,
            [] = [Table || Table <- dets:all(), dets:sync(Table) =/= ok],
            ok.
            """;

    private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(30);
    private static final AtomicInteger NAMES = new AtomicInteger();

    /** Where it listens; {@code scheme} is {@code amqp} or {@code amqps}. */
    record Address(String scheme, String host, int port, String user, String password, String virtualHost) {

        static Address local(int port) {
            return new Address("amqp", "127.0.0.1", port, NativeRabbit.USER, NativeRabbit.PASSWORD, "/");
        }

        String uri(String host) {
            return scheme + "://" + encoded(user) + ":" + encoded(password) + "@" + this.host + ":" + port + "/"
                    + encoded(host);
        }

        private static String encoded(String text) {
            return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
        }
    }

    private final ServerControl control;
    private final Address address;
    private final RabbitCommands commands;
    private final Optional<String> managementUri;

    RabbitServer(ServerControl control, Address address, RabbitCommands commands, Optional<String> managementUri) {
        this.control = control;
        this.address = address;
        this.commands = commands;
        this.managementUri = managementUri;
    }

    /** As {@link #start(RabbitOptions)} with {@link RabbitOptions#defaults}. */
    public static RabbitServer start() {
        return start(RabbitOptions.defaults());
    }

    /**
     * Starts a server, or uses the one the environment names; returns when it accepts clients.
     *
     * @throws IllegalStateException if no way leads to one; the message says what was tried
     */
    public static RabbitServer start(RabbitOptions options) {
        return new ServerChoice<RabbitServer>("RabbitMQ", VARIABLE)
                .external(options.externalRefusal(), RabbitServer::external)
                .docker(options.dockerRefusal(), () -> Containers.rabbit(options))
                .nativeProcess(() -> {
                    NativeRabbit server = NativeRabbit.started(options);
                    return new RabbitServer(
                            server, Address.local(server.port()), server::command, server.managementUri());
                });
    }

    private static RabbitServer external(String uri) {
        try {
            ConnectionFactory parsed = new ConnectionFactory();
            parsed.setUri(uri);
            Address address = new Address(
                    parsed.isSSL() ? "amqps" : "amqp",
                    parsed.getHost(),
                    parsed.getPort(),
                    parsed.getUsername(),
                    parsed.getPassword(),
                    parsed.getVirtualHost());
            ExternalControl control = new ExternalControl(VARIABLE);
            RabbitCommands refusal = arguments -> {
                throw control.unsupported("administered with rabbitmqctl " + arguments[0]);
            };
            return new RabbitServer(control, address, refusal, Optional.empty());
        } catch (URISyntaxException | GeneralSecurityException | IllegalArgumentException e) {
            // Without the cause, which would tell the password.
            throw new IllegalStateException(
                    "Not an AMQP address (amqp://user:password@host:port/virtual-host): variable=" + VARIABLE);
        }
    }

    /** A name no other call of this method gives, even in another JVM, e.g. {@code orders-3-1f2e3d4c}. */
    public static String uniqueName(String prefix) {
        return prefix + "-" + NAMES.incrementAndGet() + "-" + Names.random();
    }

    /** The host, 127.0.0.1 when native. */
    public String host() {
        return address.host();
    }

    /** The clients' port; it stays the same over restarts. */
    public int port() {
        return address.port();
    }

    /** The user, an administrator unless the server is external. */
    public String user() {
        return address.user();
    }

    /** The user's password. */
    public String password() {
        return address.password();
    }

    /** The virtual host that is there from the start, {@code /} unless the server is external. */
    public String virtualHost() {
        return address.virtualHost();
    }

    /** The address of that virtual host, e.g. {@code amqp://guest:guest@127.0.0.1:12345/%2F}. */
    public String amqpUri() {
        return amqpUri(address.virtualHost());
    }

    /** The address of a virtual host, which need not exist yet. */
    public String amqpUri(String virtualHost) {
        return address.uri(virtualHost);
    }

    /**
     * A factory of connections to {@link #virtualHost} as the client makes it, except that a request to the server may
     * take 30 seconds, not 10 minutes.
     */
    public ConnectionFactory connectionFactory() {
        return connectionFactory(address.virtualHost());
    }

    ConnectionFactory connectionFactory(String virtualHost) {
        try {
            ConnectionFactory factory = new ConnectionFactory();
            factory.setUri(amqpUri(virtualHost));
            factory.setChannelRpcTimeout((int) REQUEST_TIMEOUT.toMillis());
            return factory;
        } catch (URISyntaxException | GeneralSecurityException e) {
            throw new IllegalStateException("Address not understood: host=" + host() + ", port=" + port(), e);
        }
    }

    /**
     * Where the management plugin serves, e.g. {@code http://127.0.0.1:12346}.
     *
     * @throws IllegalStateException if it was not asked for with {@link RabbitOptions#withPlugins}
     */
    public String managementUri() {
        return managementUri.orElseThrow(() -> new IllegalStateException(
                "Management is not enabled: ask for it with withPlugins(RabbitOptions.MANAGEMENT)"));
    }

    /**
     * The process id of the server.
     *
     * @throws UnsupportedOperationException if the server is not native
     * @throws IllegalStateException if it is not running
     */
    public long pid() {
        return control.pid();
    }

    /** False after {@link #stop} or {@link #kill}; an external server counts as running. */
    public boolean isRunning() {
        return control.isRunning();
    }

    /**
     * Makes an empty virtual host, in which {@link #user} may do everything; it ends with the server or when it is
     * closed. On an external server, where only its administrator could make one, it is the virtual host of the address:
     * others may use it, too, so take names from {@link #uniqueName}.
     *
     * @throws IllegalStateException if the server refuses, e.g. because it exists
     */
    public RabbitVirtualHost createVirtualHost(String name) {
        if (control instanceof ExternalControl) {
            return new RabbitVirtualHost(this, address.virtualHost(), false);
        }
        commands.run("eval", NEW_VIRTUAL_HOST.formatted(erlang(name), erlang(address.user())));
        return new RabbitVirtualHost(this, name, true);
    }

    /** A text as Erlang writes it. */
    static String erlang(String text) {
        return "<<\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"/utf8>>";
    }

    /** The virtual host that is there from the start; closing it does nothing. */
    public RabbitVirtualHost defaultVirtualHost() {
        return new RabbitVirtualHost(this, address.virtualHost(), false);
    }

    /**
     * Raises the alarm that the server raises when it is short of memory, or withdraws it: while it stands, whoever
     * publishes is blocked, and told so if the client asked for it ({@code connection.blocked}). A restart ends it.
     *
     * @throws UnsupportedOperationException if the server is external
     */
    public void setMemoryAlarm(boolean raised) {
        commands.run(
                "eval",
                raised
                        ? "rabbit_alarm:set_alarm({{resource_limit, memory, node()}, []})."
                        : "rabbit_alarm:clear_alarm({resource_limit, memory, node()}).");
    }

    /**
     * Puts on disk which exchanges, queues and bindings there are; returns when they are there. RabbitMQ does so by itself
     * within seconds, and does not wait for it when it answers a declaration: a kill before that may undo a binding or
     * leave a quorum queue without its messages.
     *
     * @throws UnsupportedOperationException if the server is external
     */
    public void syncDeclarations() {
        commands.run("eval", SYNC);
    }

    /** Runs {@code rabbitmqctl}. */
    String command(String... arguments) {
        return commands.run(arguments);
    }

    /**
     * Ends the server in order.
     *
     * @throws UnsupportedOperationException if the server is external
     */
    public void stop() {
        control.stop();
    }

    /**
     * Kills the server with SIGKILL; returns when it is gone. Persistent messages that it confirmed come back at
     * {@link #restart}. What was declared within the last seconds may not, and its messages with it: see
     * {@link #syncDeclarations}.
     *
     * @throws UnsupportedOperationException if the server is external
     */
    public void kill() {
        control.kill();
    }

    /**
     * Starts the server again with the same port, data and settings; stops it first if it runs. Returns when it accepts
     * clients.
     *
     * @throws UnsupportedOperationException if the server is external
     */
    public void restart() {
        if (control.isRunning()) {
            control.stop();
        }
        control.start();
    }

    /**
     * Lets the server stand still with its connections open (SIGSTOP); returns when it does.
     *
     * @throws UnsupportedOperationException if the server is external
     */
    public void suspend() {
        control.suspend();
    }

    /**
     * Lets a suspended server go on (SIGCONT). Clients and server give a connection up when a heartbeat is long due.
     *
     * @throws UnsupportedOperationException if the server is external
     */
    public void resume() {
        control.resume();
    }

    /** Ends the server and removes its temporary directory; an external server is left alone. */
    @Override
    public void close() {
        control.close();
    }
}
