package dev.outbox.relay.broker;

/** The broker could not be reached, or refused the connection: an outage, to be waited out. */
public final class BrokerUnavailableException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** Says what was tried; the cause is the client's own error. */
    public BrokerUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
