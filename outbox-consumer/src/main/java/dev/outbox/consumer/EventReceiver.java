package dev.outbox.consumer;

import dev.outbox.MessageContext;
import dev.outbox.inbox.Inbox;
import java.util.Optional;

/**
 * Receives one event: finds its handler and runs it in one transaction with the record of the event's id. Knows no
 * broker; a loop of your own may use it.
 *
 * <p>While the handler runs, {@link MessageContext} has the event's correlation id, its trace and, as causation id, the
 * event's own id, so that what the handler appends carries them on. An event without a correlation id begins one with
 * its own id.
 *
 * <p>Safe for use by any number of threads.
 */
public final class EventReceiver {

    /** What became of an event that was received. */
    public enum Outcome {
        /** The handler ran, and its effect is committed. */
        HANDLED,
        /** The event had its effect before; nothing was done. */
        DUPLICATE,
        /** No handler is there for its type, and such are ignored; nothing was done or recorded. */
        NO_HANDLER
    }

    private static final String TRACE = "traceparent";

    private final Inbox inbox;
    private final EventHandlers handlers;

    /** Receives with these handlers, once for each id in this inbox. */
    public EventReceiver(Inbox inbox, EventHandlers handlers) {
        this.inbox = inbox;
        this.handlers = handlers;
    }

    /**
     * Receives an event. When this returns, it may be acknowledged to the broker.
     *
     * @throws UnknownTypeException if its type has no handler and such are refused; no transaction was begun
     * @throws UnsupportedVersionException if its type has handlers and its version has none; no transaction was begun
     * @throws UnreadablePayloadException if its payload cannot be read; no transaction was begun
     * @throws Exception what the handler threw, or an {@link dev.outbox.OutboxException} if the database failed; the
     *     event must be received again
     */
    @SuppressWarnings("try") // the scope is open, not used
    public Outcome receive(ReceivedEvent event) throws Exception {
        Optional<JdbcEventHandler> found = handlers.prepare(event);
        if (found.isEmpty()) {
            return Outcome.NO_HANDLER;
        }
        JdbcEventHandler handler = found.get();
        try (MessageContext.Scope scope = context(event).open()) {
            boolean first = inbox.<Exception>receive(
                    handlers.consumer(), event.id(), connection -> handler.handle(event, connection));
            return first ? Outcome.HANDLED : Outcome.DUPLICATE;
        }
    }

    private static MessageContext context(ReceivedEvent event) {
        String correlationId = event.correlationId();
        MessageContext context = MessageContext.empty()
                .withCorrelationId(correlationId == null ? event.id() : correlationId)
                .withCausationId(event.id());
        String trace = event.headers().get(TRACE);
        return trace == null ? context : context.withHeader(TRACE, trace);
    }
}
