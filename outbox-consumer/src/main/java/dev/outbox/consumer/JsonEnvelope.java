package dev.outbox.consumer;

import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The relay's JSON envelope. A value is one if it is an object with all the members that every envelope has; content that
 * has them all too is taken for one.
 */
final class JsonEnvelope {

    private static final String DATA = "data";
    private static final String SERVICE = "service";

    /** The members that are text. */
    private static final Set<String> TEXTS =
            Set.of("eventId", "eventType", "eventVersion", "occurredAt", "correlationId", "causationId");

    private static final Set<String> SLICES = Set.of("source", DATA);

    private static final Set<String> ALWAYS =
            Set.of("eventId", "eventType", "eventVersion", "occurredAt", "source", DATA);

    private final Origin origin;
    private final JsonValue value;

    private JsonEnvelope(Origin origin, JsonValue value) {
        this.origin = origin;
        this.value = value;
    }

    /** @throws MalformedEventException if the value is not JSON */
    static JsonEnvelope of(Origin origin, byte[] value) {
        return new JsonEnvelope(origin, JsonValue.read(origin, value, TEXTS::contains, SLICES::contains));
    }

    /** Whether it is an envelope, and not content that was published without one. */
    boolean isComplete() {
        return value.hasAll(ALWAYS);
    }

    /** Whether it must be meant as an envelope where no header gives an id. */
    boolean hasId() {
        return value.has(Part.ID.member());
    }

    /** @throws MalformedEventException if a member is missing or of another kind */
    Found found(String contentType) {
        Map<Part, String> parts = new EnumMap<>(Part.class);
        for (Part part : Part.values()) {
            String text = part == Part.SOURCE ? service() : value.string(part.member());
            if (text != null) {
                parts.put(part, text);
            }
        }
        byte[] data = value.slice(DATA);
        if (data == null) {
            throw new MalformedEventException(origin, "the envelope has no data");
        }
        return new Found(origin, parts, JsonEnvelope::place, data, contentType);
    }

    private @Nullable String service() {
        String source = Part.SOURCE.member();
        return value.has(source) ? value.object(source, SERVICE::equals).string(SERVICE) : null;
    }

    private static String place(Part part) {
        return "envelope's " + (part == Part.SOURCE ? "source.service" : part.member());
    }
}
