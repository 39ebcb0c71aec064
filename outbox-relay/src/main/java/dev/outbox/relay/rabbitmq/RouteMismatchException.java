package dev.outbox.relay.rabbitmq;

/** What a route declares is there already in another form, or must not be declared: the settings or RabbitMQ must change. */
public final class RouteMismatchException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    RouteMismatchException(String message) {
        super(message);
    }
}
