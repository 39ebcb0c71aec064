package dev.outbox.consumer;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * Which handler handles which type of event, for one consumer. Immutable; start from {@link #of} and add handlers.
 *
 * <p>The name of the consumer is what the inbox remembers ids under. It stands for the effect: another name, and every
 * event that is delivered again has its effect again.
 *
 * <p>A handler with a payload class is for one major version of its type, and for all of its minor versions: those only
 * add, and what it does not know is passed over. A handler without is for every version and gets the bytes.
 *
 * <p>{@linkplain #upcast Upcasters} bring events of older versions to a handler, version by version. An event goes to the
 * handler of its own major, after the upcasters within that major; without one, to the first major with a handler that
 * the upcasters lead to. A minor version newer than all that are known of its major is taken for the newest of them.
 *
 * <p>An event whose type has no handler is ignored, unless {@link #withUnknownTypes} says otherwise.
 *
 * <pre>{@code
 * EventHandlers handlers = EventHandlers.of("stock")
 *         .on("order.created", 2, OrderCreated.class, (event, created, connection) -> reserve(connection, created))
 *         .on("order.cancelled", (event, connection) -> release(connection, event));
 * }</pre>
 */
public final class EventHandlers {

    private static final int NAME_BYTES_MAX = 255;

    private final String consumer;
    private final PayloadReader reader;
    private final OnUnknownType onUnknownType;
    private final Map<String, TypeHandlers> byType;

    private EventHandlers(
            String consumer, PayloadReader reader, OnUnknownType onUnknownType, Map<String, TypeHandlers> byType) {
        this.consumer = consumer;
        this.reader = reader;
        this.onUnknownType = onUnknownType;
        this.byType = byType;
    }

    /**
     * No handlers yet, for the consumer of this name; payloads are read by {@link PayloadReader#jackson()}, and events of
     * types without a handler are ignored.
     *
     * @throws IllegalArgumentException if the name is not 1 to 255 bytes
     */
    public static EventHandlers of(String consumer) {
        checkName("consumer", consumer);
        return new EventHandlers(consumer, PayloadReader.jackson(), OnUnknownType.IGNORE, Map.of());
    }

    /** These handlers, those that were added before included, with their payloads read by this reader. */
    public EventHandlers withPayloadReader(PayloadReader payloadReader) {
        return new EventHandlers(consumer, payloadReader, onUnknownType, byType);
    }

    /** These handlers, with this done to events whose type has none. */
    public EventHandlers withUnknownTypes(OnUnknownType what) {
        return new EventHandlers(consumer, reader, what, byType);
    }

    /**
     * These handlers and one more, for every version of the type.
     *
     * @throws IllegalArgumentException if the type has a handler or an upcaster already, or is not 1 to 255 bytes
     */
    public EventHandlers on(String type, JdbcEventHandler handler) {
        return with(type, known -> known.with(handler));
    }

    /**
     * These handlers and one more, for every version of the type, which finds the transaction by itself.
     *
     * @throws IllegalArgumentException if the type has a handler or an upcaster already, or is not 1 to 255 bytes
     */
    public EventHandlers on(String type, EventHandler handler) {
        return on(type, (event, connection) -> handler.handle(event));
    }

    /**
     * These handlers and one more, for one major version of the type. The payload is read before a transaction is begun;
     * one that cannot be read is an {@link UnreadablePayloadException}, a version without a handler an
     * {@link UnsupportedVersionException}.
     *
     * @param major 0 to 99,999
     * @param payload what the payload is read as
     * @throws IllegalArgumentException if this major or every version of the type has a handler already, if the major is
     *     out of bounds, or if the type is not 1 to 255 bytes
     */
    public <T> EventHandlers on(String type, int major, Class<T> payload, JdbcPayloadHandler<T> handler) {
        return with(type, known -> known.with(major, payload, handler));
    }

    /** As {@link #on(String, int, Class, JdbcPayloadHandler)}, with a handler that finds the transaction by itself. */
    public <T> EventHandlers on(String type, int major, Class<T> payload, PayloadHandler<T> handler) {
        return on(type, major, payload, (event, read, connection) -> handler.handle(event, read));
    }

    /**
     * These handlers and a step that brings events of one version to a newer one. Steps may be added in any order, before
     * and after the handler that they lead to.
     *
     * @param from MAJOR.MINOR
     * @param to MAJOR.MINOR, newer than {@code from}
     * @throws IllegalArgumentException if {@code to} is not newer, if an upcaster from this version or a handler for every
     *     version is there already, if a version is not MAJOR.MINOR, or if the type is not 1 to 255 bytes
     */
    public EventHandlers upcast(String type, String from, String to, Upcaster upcaster) {
        return with(type, known -> known.with(from, to, upcaster));
    }

    private EventHandlers with(String type, UnaryOperator<TypeHandlers> change) {
        checkName("type", type);
        Map<String, TypeHandlers> more = new LinkedHashMap<>(byType);
        more.put(type, change.apply(byType.getOrDefault(type, TypeHandlers.none(type))));
        return new EventHandlers(consumer, reader, onUnknownType, more);
    }

    /** The name that ids are recorded under. */
    public String consumer() {
        return consumer;
    }

    /** The types that have a handler. */
    public Set<String> types() {
        return byType.entrySet().stream()
                .filter(each -> !each.getValue().isEmpty())
                .map(Map.Entry::getKey)
                .collect(Collectors.toUnmodifiableSet());
    }

    /**
     * The handler of an event, with the payload read; empty if its type has none.
     *
     * @throws UnknownTypeException if its type has none, and such are refused
     */
    Optional<JdbcEventHandler> prepare(ReceivedEvent event) throws InterruptedException {
        TypeHandlers known = byType.get(event.type());
        if (known != null && !known.isEmpty()) {
            return Optional.of(known.prepare(event, reader));
        }
        if (onUnknownType == OnUnknownType.REFUSE) {
            throw new UnknownTypeException(event, consumer);
        }
        return Optional.empty();
    }

    /** How an event for which {@link #prepare} found a handler gets there. */
    String way(ReceivedEvent event) {
        return Objects.requireNonNull(byType.get(event.type()), "it has a handler")
                .describe(event);
    }

    private static void checkName(String field, String name) {
        int bytes = name.getBytes(StandardCharsets.UTF_8).length;
        if (bytes < 1 || bytes > NAME_BYTES_MAX) {
            throw new IllegalArgumentException(
                    "Name refused: field=" + field + ", limit=1.." + NAME_BYTES_MAX + " bytes, actual=" + bytes);
        }
    }
}
