package dev.outbox.sample.order;

/** Where an order is on its way. */
enum OrderStatus {
    CREATED,
    PAID,
    SHIPPED,
    DELIVERED,
    CANCELLED,
    REFUNDED
}
