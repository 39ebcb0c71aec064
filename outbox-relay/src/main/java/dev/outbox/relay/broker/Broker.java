package dev.outbox.relay.broker;

/**
 * A message broker that a channel publishes to.
 *
 * <p>Implementations are safe for use by several lanes at once; each lane opens a session of its own.
 */
public interface Broker extends AutoCloseable {

    /**
     * Opens a session, without waiting for the broker to answer where that can be avoided.
     *
     * @throws BrokerUnavailableException if the broker cannot be reached or refuses the connection
     */
    BrokerSession open();

    /** Frees what the sessions share. Sessions are closed by those who opened them. */
    @Override
    void close();
}
