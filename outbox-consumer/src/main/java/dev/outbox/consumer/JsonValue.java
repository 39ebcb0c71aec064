package dev.outbox.consumer;

import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * A record's value that is JSON, with those of its outermost members that somebody looks for; none, if it is not an
 * object. The members keep their bytes: parsing and writing them again would change numbers and spaces.
 */
final class JsonValue {

    private static final JsonFactory JSON = new JsonFactory();

    private final Origin origin;
    private final byte[] bytes;
    private final Map<String, Member> members = new LinkedHashMap<>();

    /** A member's kind, and what was wanted of it: its text, if it is a scalar, or where its bytes are. */
    private record Member(JsonToken kind, @Nullable String text, int from, int to) {}

    private JsonValue(Origin origin, byte[] bytes) {
        this.origin = origin;
        this.bytes = bytes;
    }

    /**
     * Reads a value to its end.
     *
     * @param texts which members are wanted as text
     * @param slices which are wanted as bytes
     * @throws MalformedEventException if it is not JSON in UTF-8, or more than one value; never quotes it
     */
    static JsonValue read(Origin origin, byte[] bytes, Predicate<String> texts, Predicate<String> slices) {
        JsonValue value = new JsonValue(origin, bytes);
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), bytes)) {
            JsonToken first = parser.nextToken();
            if (first == null) {
                throw value.malformed("the value is empty");
            }
            if (first == JsonToken.START_OBJECT) {
                while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                    value.readMember(parser, texts, slices);
                }
            } else {
                parser.skipChildren();
                parser.finishToken();
            }
            if (parser.nextToken() != null) {
                throw value.malformed("the value goes on after its end");
            }
        } catch (JacksonException e) {
            // Its own text may quote the content.
            throw value.malformed("the value is not JSON: error=" + e.getClass().getSimpleName());
        }
        return value;
    }

    private void readMember(JsonParser parser, Predicate<String> texts, Predicate<String> slices) {
        String name = parser.currentName();
        JsonToken kind = parser.nextToken();
        if (texts.test(name)) {
            String text = kind.isScalarValue() && kind != JsonToken.VALUE_NULL ? parser.getString() : null;
            parser.skipChildren();
            members.put(name, new Member(kind, text, 0, 0));
        } else if (slices.test(name)) {
            int from = (int) parser.currentTokenLocation().getByteOffset();
            if (from < 0) {
                throw malformed("the value is not in UTF-8");
            }
            parser.skipChildren();
            parser.finishToken();
            int to = (int) parser.currentLocation().getByteOffset();
            members.put(name, new Member(kind, null, from, to));
        } else {
            parser.skipChildren();
        }
    }

    boolean has(String name) {
        return members.containsKey(name);
    }

    boolean hasAll(Collection<String> names) {
        return members.keySet().containsAll(names);
    }

    /**
     * The text of a member; null if it is absent or null.
     *
     * @throws MalformedEventException if it is not a string
     */
    @Nullable
    String string(String name) {
        Member member = members.get(name);
        if (member == null || member.kind() == JsonToken.VALUE_NULL) {
            return null;
        }
        if (member.kind() != JsonToken.VALUE_STRING) {
            throw malformed("the member " + name + " is not a string");
        }
        return member.text();
    }

    /** The members that were wanted as text and are scalars, in their order. */
    Map<String, String> scalars() {
        Map<String, String> scalars = new LinkedHashMap<>();
        members.forEach((name, member) -> {
            String text = member.text();
            if (text != null) {
                scalars.put(name, text);
            }
        });
        return scalars;
    }

    /**
     * The text of a member that was wanted as bytes; null if it is absent or null.
     *
     * @throws MalformedEventException if it is not a string
     */
    @Nullable
    String slicedString(String name) {
        byte[] slice = slice(name);
        if (slice == null) {
            return null;
        }
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), slice)) {
            JsonToken kind = parser.nextToken();
            if (kind == JsonToken.VALUE_NULL) {
                return null;
            }
            if (kind != JsonToken.VALUE_STRING) {
                throw malformed("the member " + name + " is not a string");
            }
            return parser.getString();
        } catch (JacksonException e) {
            throw malformed("the member " + name + " cannot be read: error="
                    + e.getClass().getSimpleName());
        }
    }

    /** The bytes of a member as they are; null if it is absent. */
    byte @Nullable [] slice(String name) {
        Member member = members.get(name);
        return member == null ? null : Arrays.copyOfRange(bytes, member.from(), member.to());
    }

    /**
     * A member that is an object.
     *
     * @param texts which of its own members are wanted as text
     * @throws MalformedEventException if it is not an object
     */
    JsonValue object(String name, Predicate<String> texts) {
        Member member = members.get(name);
        byte[] slice = slice(name);
        if (member == null || slice == null || member.kind() != JsonToken.START_OBJECT) {
            throw malformed("the member " + name + " is not an object");
        }
        return read(origin, slice, texts, other -> false);
    }

    private MalformedEventException malformed(String what) {
        return new MalformedEventException(origin, what);
    }
}
