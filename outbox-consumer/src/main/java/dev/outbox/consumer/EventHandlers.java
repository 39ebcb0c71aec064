package dev.outbox.consumer;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which handler handles which type of event, for one consumer. Immutable; start from {@link #of} and add handlers.
 *
 * <p>The name of the consumer is what the inbox remembers ids under. It stands for the effect: another name, and every
 * event that is delivered again has its effect again.
 *
 * <pre>{@code
 * EventHandlers handlers = EventHandlers.of("stock")
 *         .on("order.created", (event, connection) -> reserve(connection, event))
 *         .on("order.cancelled", (event, connection) -> release(connection, event));
 * }</pre>
 */
public final class EventHandlers {

    private static final int NAME_BYTES_MAX = 255;

    private final String consumer;
    private final Map<String, JdbcEventHandler> byType;

    private EventHandlers(String consumer, Map<String, JdbcEventHandler> byType) {
        this.consumer = consumer;
        this.byType = byType;
    }

    /**
     * No handlers yet, for the consumer of this name.
     *
     * @throws IllegalArgumentException if the name is not 1 to 255 bytes
     */
    public static EventHandlers of(String consumer) {
        checkName("consumer", consumer);
        return new EventHandlers(consumer, Map.of());
    }

    /**
     * These handlers and one more.
     *
     * @throws IllegalArgumentException if the type has a handler already, or is not 1 to 255 bytes
     */
    public EventHandlers on(String type, JdbcEventHandler handler) {
        checkName("type", type);
        Map<String, JdbcEventHandler> more = new LinkedHashMap<>(byType);
        if (more.put(type, handler) != null) {
            throw new IllegalArgumentException("Handler refused: type=" + type + " has one already");
        }
        return new EventHandlers(consumer, more);
    }

    /**
     * These handlers and one more, which finds the transaction by itself.
     *
     * @throws IllegalArgumentException if the type has a handler already, or is not 1 to 255 bytes
     */
    public EventHandlers on(String type, EventHandler handler) {
        return on(type, (event, connection) -> handler.handle(event));
    }

    /** The name that ids are recorded under. */
    public String consumer() {
        return consumer;
    }

    /** The types that have a handler. */
    public Set<String> types() {
        return Set.copyOf(byType.keySet());
    }

    Optional<JdbcEventHandler> handler(String type) {
        return Optional.ofNullable(byType.get(type));
    }

    private static void checkName(String field, String name) {
        int bytes = name.getBytes(StandardCharsets.UTF_8).length;
        if (bytes < 1 || bytes > NAME_BYTES_MAX) {
            throw new IllegalArgumentException(
                    "Name refused: field=" + field + ", limit=1.." + NAME_BYTES_MAX + " bytes, actual=" + bytes);
        }
    }
}
