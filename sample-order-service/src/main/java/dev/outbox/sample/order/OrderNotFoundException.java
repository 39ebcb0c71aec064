package dev.outbox.sample.order;

import java.util.UUID;

/** There is no such order. */
final class OrderNotFoundException extends RuntimeException {

    OrderNotFoundException(UUID id) {
        super("There is no order " + id);
    }
}
