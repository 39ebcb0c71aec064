package dev.outbox.consumer;

import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Events as they come from a broker, and handlers called without a database. */
final class Events {

    private static final Connection UNUSED = (Connection) Proxy.newProxyInstance(
            Events.class.getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, arguments) -> {
                throw new AssertionError("No test uses it");
            });

    private Events() {}

    /** An {@code order.created} with the id e-1. */
    static ReceivedEvent created(String version, String json) {
        return event("order.created", version, json.getBytes(StandardCharsets.UTF_8), "application/json");
    }

    @SuppressWarnings("NullAway") // a compiled record's constructor has lost what its parameters may be
    static ReceivedEvent event(String type, String version, byte @Nullable [] data, String contentType) {
        return new ReceivedEvent(
                "e-1",
                type,
                version,
                Instant.EPOCH,
                null,
                null,
                "test",
                "k",
                data,
                contentType,
                Map.of(),
                new Origin.Kafka("orders", 0, 7));
    }

    /** Does what a receiver does, but for the transaction. */
    static void handle(EventHandlers handlers, ReceivedEvent event) throws Exception {
        handlers.prepare(event).orElseThrow().handle(event, UNUSED);
    }
}
