package dev.outbox.sample.inventory;

/** How much of an article there is: to be had, and set aside for orders that have not left yet. */
record Stock(String sku, long available, long reserved) {}
