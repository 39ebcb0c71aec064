package dev.outbox.testkit;

/** Runs {@code rabbitmqctl} beside a server, wherever that runs. */
@FunctionalInterface
interface RabbitCommands {

    /**
     * Returns what the command wrote.
     *
     * @param arguments the command and its arguments
     * @throws IllegalStateException if the server refuses or is not running
     * @throws UnsupportedOperationException if the server is external
     */
    String run(String... arguments);
}
