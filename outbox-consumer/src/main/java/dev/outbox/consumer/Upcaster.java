package dev.outbox.consumer;

import tools.jackson.databind.node.ObjectNode;

/**
 * Makes the payload of one version into that of the next, so that a handler need know one version only. Called before
 * the transaction of the event is begun, maybe more than once for an event, by any number of threads: it should compute
 * and nothing else.
 *
 * <p>Numbers of the tree have every digit that they came with. Not for payloads that are not JSON objects.
 *
 * <pre>{@code
 * handlers.upcast("order.created", "1.0", "1.1", data -> data.put("currency", "EUR"))
 *         .upcast("order.created", "1.1", "2.0", data -> {
 *             JsonNode total = data.remove("total");
 *             JsonNode currency = data.remove("currency");
 *             data.putObject("amount").set("value", total).set("currency", currency);
 *             return data;
 *         });
 * }</pre>
 */
@FunctionalInterface
public interface Upcaster {

    /**
     * Returns the payload in the next version: the one given, changed, or another one.
     *
     * <p>Whatever it throws becomes an {@link UnreadablePayloadException}, and so does null.
     */
    ObjectNode upcast(ObjectNode data) throws Exception;
}
