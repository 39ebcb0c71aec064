package dev.outbox.sample.inventory;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What became of a line of an order; the reason is there when it was rejected. */
record Reservation(
        UUID orderId,
        String sku,
        int quantity,
        String state,
        @Nullable String reason,
        Instant changedAt) {}
