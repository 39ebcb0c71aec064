package dev.outbox.consumer;

/** What happens to an event whose type has no handler. */
public enum OnUnknownType {
    /** It is passed by and acknowledged: the consumer has no use for it. */
    IGNORE,
    /** It is an {@link UnknownTypeException}: whatever comes here is meant for this consumer. */
    REFUSE
}
