package dev.outbox.consumer;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a record says, in whichever form it says it, before anybody has looked whether that makes an event.
 *
 * @param origin where the record came from
 * @param parts what was given
 * @param places where in the record each part has, or would have, its place
 * @param data the content
 * @param contentType the media type of the content
 */
@SuppressWarnings("ArrayRecordComponent") // on its way to the event
record Found(
        Origin origin,
        Map<Part, String> parts,
        Function<Part, String> places,
        byte @Nullable [] data,
        String contentType) {

    private static final int ID_BYTES_MAX = 255;

    /** @throws MalformedEventException if a part that every event has is missing or cannot be read */
    ReceivedEvent event(@Nullable String key, Map<String, String> headers) {
        return new ReceivedEvent(
                id(),
                required(Part.TYPE),
                version(),
                occurredAt(),
                parts.get(Part.CORRELATION_ID),
                parts.get(Part.CAUSATION_ID),
                required(Part.SOURCE),
                key,
                data,
                contentType,
                headers,
                origin);
    }

    private String id() {
        String id = required(Part.ID);
        if (id.getBytes(StandardCharsets.UTF_8).length > ID_BYTES_MAX) {
            throw malformed(Part.ID, "has more than " + ID_BYTES_MAX + " bytes");
        }
        if (id.indexOf('\0') >= 0 || !StandardCharsets.UTF_8.newEncoder().canEncode(id)) {
            throw malformed(Part.ID, "is not text that a database holds");
        }
        return id;
    }

    private String version() {
        String version = required(Part.VERSION);
        if (Version.parse(version).isEmpty()) {
            throw malformed(Part.VERSION, "is not MAJOR.MINOR");
        }
        return version;
    }

    private Instant occurredAt() {
        try {
            return Instant.parse(required(Part.OCCURRED_AT));
        } catch (DateTimeException e) {
            throw malformed(Part.OCCURRED_AT, "is not an RFC 3339 time");
        }
    }

    private String required(Part part) {
        String given = parts.get(part);
        if (given == null || given.isEmpty()) {
            throw malformed(part, "is missing");
        }
        return given;
    }

    private MalformedEventException malformed(Part part, String what) {
        return new MalformedEventException(origin, "the " + places.apply(part) + " " + what);
    }
}
