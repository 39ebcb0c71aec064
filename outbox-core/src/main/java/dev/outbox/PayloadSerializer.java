package dev.outbox;

import tools.jackson.databind.json.JsonMapper;

/**
 * Turns the payload object of a message into JSON text. Called while appending, once per message, by any number of
 * threads. What it returns is checked to be JSON and stored as it is.
 *
 * <p>Not for other formats: give those as bytes, see {@link OutboxMessage#ofBytes}.
 */
@FunctionalInterface
public interface PayloadSerializer {

    /**
     * Returns the JSON text of a payload. Whatever it throws reaches the caller of append as the cause of an
     * {@link InvalidMessageException} for the field {@code payload}.
     */
    String serialize(Object payload) throws Exception;

    /** Jackson 3 with its defaults; times are written as ISO 8601 text. */
    static PayloadSerializer jackson() {
        return jackson(JsonMapper.builder().build());
    }

    /** Jackson 3 with a mapper of your own, such as the one a web framework configured. */
    static PayloadSerializer jackson(JsonMapper mapper) {
        return mapper::writeValueAsString;
    }
}
