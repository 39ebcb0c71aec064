package dev.outbox.testkit;

import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A Kafka server for tests: one node, unencrypted, without authentication.
 *
 * <p>It comes from the first of: the address in {@code OUTBOX_TEST_KAFKA} ({@code host:port}, an environment variable
 * or system property), Docker, a native process in a JVM apart. It ends with {@link #close} or with this JVM, even when
 * that is killed.
 *
 * <pre>{@code
 * try (KafkaServer server = KafkaServer.start(KafkaOptions.defaults().asNativeOnly())) {
 *     server.createTopic("orders", 3, Map.of());
 *     server.kill();
 *     server.restart();
 * }
 * }</pre>
 *
 * <p>Starting, stopping, killing and suspending belong to one thread at a time.
 */
public final class KafkaServer implements AutoCloseable {

    private static final String VARIABLE = "OUTBOX_TEST_KAFKA";
    private static final AtomicInteger TOPICS = new AtomicInteger();

    private final ServerControl control;
    private final String bootstrapServers;
    private final String adminServers;

    /** @param adminServers where the testkit itself connects, past any proxy */
    KafkaServer(ServerControl control, String bootstrapServers, String adminServers) {
        this.control = control;
        this.bootstrapServers = bootstrapServers;
        this.adminServers = adminServers;
    }

    /** As {@link #start(KafkaOptions)} with {@link KafkaOptions#defaults}. */
    public static KafkaServer start() {
        return start(KafkaOptions.defaults());
    }

    /**
     * Starts a server, or uses the one the environment names; returns when it accepts clients.
     *
     * @throws IllegalStateException if no way leads to one; the message says what was tried
     */
    public static KafkaServer start(KafkaOptions options) {
        return new ServerChoice<KafkaServer>("Kafka", VARIABLE)
                .external(
                        options.externalRefusal(),
                        address -> new KafkaServer(new ExternalControl(VARIABLE), address, address))
                .docker(options.dockerRefusal(), () -> Containers.kafka(options))
                .nativeProcess(() -> {
                    NativeKafka server = new NativeKafka(options).startFirst();
                    return new KafkaServer(server, server.bootstrapServers(), server.internalServers());
                });
    }

    /** A topic name no other call of this method gives, even in another JVM, e.g. {@code orders-3-1f2e3d}. */
    public static String uniqueTopic(String prefix) {
        return prefix + "-" + TOPICS.incrementAndGet() + "-" + Names.random();
    }

    /** What clients connect to, {@code host:port}; with an advertised port, that one. */
    public String bootstrapServers() {
        return bootstrapServers;
    }

    /**
     * The process id of the server's JVM.
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
     * Makes a topic and waits until its partitions have leaders.
     *
     * @param config topic settings, e.g. {@code max.message.bytes}
     * @throws IllegalStateException if the server refuses, e.g. because it exists
     */
    public void createTopic(String name, int partitions, Map<String, String> config) {
        KafkaAdmin.createTopic(adminServers, name, partitions, config);
    }

    /**
     * Deletes a topic; the server drops its data a little later.
     *
     * @throws IllegalStateException if the server refuses, e.g. because it does not exist
     */
    public void deleteTopic(String name) {
        KafkaAdmin.deleteTopic(adminServers, name);
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
     * Kills the server with SIGKILL; returns when it is gone. What it acknowledged comes back at {@link #restart}.
     *
     * @throws UnsupportedOperationException if the server is external
     */
    public void kill() {
        control.kill();
    }

    /**
     * Starts the server again with the same port, data and settings; stops it first if it runs. Returns when it accepts
     * clients; after a kill this takes until the broker's old session has expired.
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
     * Lets a suspended server go on (SIGCONT).
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
