package dev.outbox.consumer;

/** What an event says about itself, and what each wire form calls it. */
enum Part {
    ID("eventId", "event-id", "property message-id"),
    TYPE("eventType", "event-type", "property type"),
    VERSION("eventVersion", "event-version", "header x-event-version"),
    OCCURRED_AT("occurredAt", "occurred-at", "header x-occurred-at"),
    CORRELATION_ID("correlationId", "correlation-id", "property correlation-id"),
    CAUSATION_ID("causationId", "causation-id", "header x-causation-id"),
    SOURCE("source", "source-service", "header x-source-service");

    private final String member;
    private final String header;
    private final String onRabbitMq;

    Part(String member, String header, String onRabbitMq) {
        this.member = member;
        this.header = header;
        this.onRabbitMq = onRabbitMq;
    }

    /** Its name in the envelope. */
    String member() {
        return member;
    }

    /** Its name among the headers that a reader is given. */
    String header() {
        return header;
    }

    /** Where an operator finds it when the envelope does not say it. */
    String place(Origin origin) {
        return origin instanceof Origin.RabbitMq ? onRabbitMq : "header " + header;
    }
}
