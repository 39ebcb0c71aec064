package dev.outbox.consumer;

/** What an event says about itself, and what each wire form calls it. */
enum Part {
    ID("eventId", "event-id", "property message-id", "id"),
    TYPE("eventType", "event-type", "property type", "type"),
    VERSION("eventVersion", "event-version", "header x-event-version", "eventversion"),
    OCCURRED_AT("occurredAt", "occurred-at", "header x-occurred-at", "time"),
    CORRELATION_ID("correlationId", "correlation-id", "property correlation-id", "correlationid"),
    CAUSATION_ID("causationId", "causation-id", "header x-causation-id", "causationid"),
    SOURCE("source", "source-service", "header x-source-service", "source");

    private final String member;
    private final String header;
    private final String onRabbitMq;
    private final String attribute;

    Part(String member, String header, String onRabbitMq, String attribute) {
        this.member = member;
        this.header = header;
        this.onRabbitMq = onRabbitMq;
        this.attribute = attribute;
    }

    /** Its name in the envelope. */
    String member() {
        return member;
    }

    /** Its name among the headers that a reader is given. */
    String header() {
        return header;
    }

    /** The attribute of a CloudEvent. */
    String attribute() {
        return attribute;
    }

    /** Where an operator finds it when the envelope does not say it. */
    String place(Origin origin) {
        return origin instanceof Origin.RabbitMq ? onRabbitMq : "header " + header;
    }
}
