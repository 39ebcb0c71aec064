package dev.outbox.consumer;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads the payload of an event from JSON into an object; the counterpart of {@link dev.outbox.PayloadSerializer}. Called
 * once for each event that has a handler with a payload class, by any number of threads.
 *
 * <p>Not for other formats: a handler without a payload class gets their bytes.
 */
@FunctionalInterface
public interface PayloadReader {

    /**
     * Reads JSON text in UTF-8 as an object of this class. Whatever it throws becomes an
     * {@link UnreadablePayloadException}, and so does null.
     */
    <T> @Nullable T read(byte[] json, Class<T> type) throws Exception;

    /**
     * Jackson 3 with its defaults: fields that the class does not know are passed over, and those of its fields that are
     * missing are null. A class that cannot do without a field says so in its constructor.
     */
    static PayloadReader jackson() {
        return jackson(JsonMapper.builder().build());
    }

    /** Jackson 3 with a mapper of your own, such as the one a web framework configured. */
    static PayloadReader jackson(JsonMapper mapper) {
        return mapper::readValue;
    }
}
