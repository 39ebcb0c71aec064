package dev.outbox.testkit;

import com.rabbitmq.client.ConnectionFactory;

/**
 * A virtual host of its own for one test class (or whoever made it), on a server that may be shared: a name space of
 * exchanges and queues.
 *
 * <p>Safe for use by many threads. Closing drops it with all its connections, exchanges and queues, if it was made by
 * {@link RabbitServer#createVirtualHost} on a server that is not external. Its users last as long as the server.
 */
public final class RabbitVirtualHost implements AutoCloseable {

    /** In one command: each takes up to a second. */
    private static final String NEW_USER = """
            User = %s,
            By = <<"outbox-testkit">>,
            ok = rabbit_auth_backend_internal:add_user(User, %s, By),
            ok = rabbit_auth_backend_internal:set_permissions(User, %s, %s, %s, %s, By).
            """;

    private final RabbitServer server;
    private final String name;
    private final boolean owned;

    /** @param owned whether it ends when it is closed */
    RabbitVirtualHost(RabbitServer server, String name, boolean owned) {
        this.server = server;
        this.name = name;
        this.owned = owned;
    }

    /** The virtual host's name. */
    public String name() {
        return name;
    }

    /** The server it is on. */
    public RabbitServer server() {
        return server;
    }

    /** The address for a client, e.g. {@code amqp://guest:guest@127.0.0.1:12345/orders_it_1}. */
    public String amqpUri() {
        return server.amqpUri(name);
    }

    /** A factory of connections for the server's own user, see {@link RabbitServer#connectionFactory}. */
    public ConnectionFactory connectionFactory() {
        return server.connectionFactory(name);
    }

    /**
     * Makes a user and gives it permissions here and nowhere else.
     *
     * @param user a name that the server does not know
     * @param configure a regular expression for the names of exchanges and queues it may declare and delete; an empty
     *     one matches nothing
     * @param write the same for those it may publish or bind to
     * @param read the same for those it may consume or bind from
     * @throws IllegalStateException if the server refuses, e.g. because the user exists
     * @throws UnsupportedOperationException if the server is external
     */
    public void addUser(String user, String password, String configure, String write, String read) {
        server.command(
                "eval",
                NEW_USER.formatted(
                        RabbitServer.erlang(user),
                        RabbitServer.erlang(password),
                        RabbitServer.erlang(name),
                        RabbitServer.erlang(configure),
                        RabbitServer.erlang(write),
                        RabbitServer.erlang(read)));
    }

    /**
     * Replaces a user's permissions here. The server goes by them at once, though not for what a channel was permitted a
     * moment ago: it remembers the last few.
     *
     * @throws IllegalStateException if the server refuses, e.g. because there is no such user
     * @throws UnsupportedOperationException if the server is external
     */
    public void setPermissions(String user, String configure, String write, String read) {
        server.command("set_permissions", "-p", name, user, configure, write, read);
    }

    /**
     * Sets a policy, replacing one of the same name.
     *
     * @param pattern a regular expression for the names that it concerns
     * @param applyTo {@code queues}, {@code exchanges} or {@code all}
     * @param definition a JSON object, e.g. {@code {"max-length": 10, "overflow": "reject-publish"}}
     * @throws IllegalStateException if the server refuses, e.g. because it does not know a key
     * @throws UnsupportedOperationException if the server is external
     */
    public void setPolicy(String policy, String pattern, String applyTo, String definition) {
        server.command("set_policy", "-p", name, "--apply-to", applyTo, policy, pattern, definition);
    }

    /**
     * Removes a policy.
     *
     * @throws IllegalStateException if there is none of this name
     * @throws UnsupportedOperationException if the server is external
     */
    public void clearPolicy(String policy) {
        server.command("clear_policy", "-p", name, policy);
    }

    /** Drops the virtual host if it is to end here; does nothing when the server is not running. */
    @Override
    public void close() {
        if (owned && server.isRunning()) {
            server.command("delete_vhost", name);
        }
    }
}
