package dev.outbox.sample.order;

/** The order exists, but what was asked for does not fit its state. */
final class OrderConflictException extends RuntimeException {

    OrderConflictException(String message) {
        super(message);
    }
}
