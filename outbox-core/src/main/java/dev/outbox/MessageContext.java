package dev.outbox;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the current thread is working on: the correlation and causation ids and the headers (such as
 * {@code traceparent}) that a message gets where it has none of its own. Immutable; bound to a thread while a
 * {@link Scope} is open, and not inherited by other threads.
 *
 * <pre>{@code
 * try (var scope = MessageContext.current().withCorrelationId(requestId).open()) {
 *     service.placeOrder(order); // appends carry the correlation id
 * }
 * }</pre>
 */
public final class MessageContext {

    private static final MessageContext EMPTY = new MessageContext(null, null, Map.of());
    private static final ThreadLocal<@Nullable MessageContext> CURRENT = new ThreadLocal<>();

    private final @Nullable String correlationId;
    private final @Nullable String causationId;
    private final Map<String, String> headers;

    private MessageContext(@Nullable String correlationId, @Nullable String causationId, Map<String, String> headers) {
        this.correlationId = correlationId;
        this.causationId = causationId;
        this.headers = headers;
    }

    /** The context without anything in it. */
    public static MessageContext empty() {
        return EMPTY;
    }

    /** The context of this thread; empty outside any scope. */
    public static MessageContext current() {
        MessageContext context = CURRENT.get();
        return context == null ? EMPTY : context;
    }

    /** This context with the id of the whole business flow. */
    public MessageContext withCorrelationId(@Nullable String correlationId) {
        return new MessageContext(correlationId, causationId, headers);
    }

    /** This context with the id of the message or request that is being handled. */
    public MessageContext withCausationId(@Nullable String causationId) {
        return new MessageContext(correlationId, causationId, headers);
    }

    /** This context with one more header, or another value for it. */
    public MessageContext withHeader(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(name, value);
        return new MessageContext(correlationId, causationId, Collections.unmodifiableMap(more));
    }

    public Optional<String> correlationId() {
        return Optional.ofNullable(correlationId);
    }

    public Optional<String> causationId() {
        return Optional.ofNullable(causationId);
    }

    /** The headers, in the order they were given. */
    public Map<String, String> headers() {
        return headers;
    }

    /** Makes this the context of the current thread until the scope is closed, by the same thread. */
    public Scope open() {
        MessageContext outer = CURRENT.get();
        CURRENT.set(this);
        return () -> {
            if (outer == null) {
                CURRENT.remove();
            } else {
                CURRENT.set(outer);
            }
        };
    }

    /** An open context; closing it brings back the one before. */
    @FunctionalInterface
    public interface Scope extends AutoCloseable {

        @Override
        void close();
    }
}
