package dev.outbox;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.io.JsonStringEncoder;
import tools.jackson.core.json.JsonFactory;

/** The door: turns a message into a row, or refuses it. Whatever passes here, the table's CHECKs let in. */
final class MessageEncoder {

    private static final int HEADERS_MAX = 64;
    private static final int HEADERS_BYTES_MAX = 32 * 1024;
    private static final int HEADER_VALUE_BYTES_MAX = 8 * 1024;
    private static final int SHOWN_CHARS_MAX = 100;

    /** Column overhead of a row besides its texts; only the size of a chunk depends on it. */
    private static final int ROW_BYTES = 128;

    private static final Instant OCCURRED_AT_MIN = Instant.parse("0001-01-01T00:00:00Z");
    private static final Instant OCCURRED_AT_MAX = Instant.parse("9999-12-31T23:59:59.999999999Z");

    private static final Pattern VERSION = Pattern.compile("[0-9]{1,5}\\.[0-9]{1,5}");
    private static final Pattern HEADER_NAME = Pattern.compile("[!#$%&'*+\\-.^_`|~0-9A-Za-z]{1,255}");

    /** The headers the relay writes itself, from columns. */
    private static final Set<String> HEADERS_RESERVED = Set.of(
            "event-id",
            "event-type",
            "event-version",
            "occurred-at",
            "sequence",
            "correlation-id",
            "causation-id",
            "source-service",
            "content-type",
            "replay-id");

    private static final JsonFactory JSON = JsonFactory.builder()
            .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
            .build();

    private final OutboxSettings settings;

    MessageEncoder(OutboxSettings settings) {
        this.settings = settings;
    }

    /** @throws InvalidMessageException if the message breaks a limit */
    Row encode(OutboxMessage message) {
        MessageContext context = MessageContext.current();
        String topic = checkName("topic", message.topic(), 249);
        String type = checkType(message.type());
        String key = message.key().orElse(null);
        if (key != null) {
            checkText("key", key, 1, 1024, true);
        }
        String channel = checkName("channel", message.channel(), 63);
        String version = checkVersion(message.version());
        String correlationId = checkId("correlationId", message.correlationId().or(context::correlationId));
        String causationId = checkId("causationId", message.causationId().or(context::causationId));
        String contentType = checkContentType(message.contentType());
        Instant occurredAt = checkOccurredAt(message.occurredAt().orElseGet(settings.clock()::instant));
        String headers = encodeHeaders(message, context);
        Content.Encoded content = message.content().encode(settings.serializer());
        int bytes = checkContent(content, key) + (headers == null ? 0 : headers.length()) + ROW_BYTES;
        UUID id = message.id().orElseGet(UuidV7::next);
        return new Row(
                id,
                channel,
                topic,
                key,
                type,
                version,
                occurredAt.atOffset(ZoneOffset.UTC),
                correlationId,
                causationId,
                settings.source(),
                headers,
                content.json(),
                content.body(),
                contentType,
                bytes);
    }

    private String checkType(@Nullable String type) {
        checkName("type", type, 255);
        if (type == null || !settings.typePattern().matcher(type).matches()) {
            throw new InvalidMessageException(
                    "type", "matches " + settings.typePattern() + ", 1..255 bytes", "\"" + shown(type) + "\"");
        }
        return type;
    }

    private static String checkVersion(@Nullable String version) {
        if (version == null || !VERSION.matcher(version).matches()) {
            throw new InvalidMessageException(
                    "version",
                    "MAJOR.MINOR of 1..5 digits each",
                    version == null ? "null" : "\"" + shown(version) + "\"");
        }
        return version;
    }

    private static @Nullable String checkId(String field, Optional<String> id) {
        return id.isPresent() ? checkName(field, id.get(), 255) : null;
    }

    private static String checkContentType(@Nullable String contentType) {
        checkName("contentType", contentType, 255);
        if (contentType == null || !contentType.chars().allMatch(c -> c >= ' ' && c <= '~')) {
            throw new InvalidMessageException(
                    "contentType", "1..255 visible ASCII characters", "\"" + shown(contentType) + "\"");
        }
        return contentType;
    }

    private static Instant checkOccurredAt(Instant occurredAt) {
        if (occurredAt.isBefore(OCCURRED_AT_MIN) || occurredAt.isAfter(OCCURRED_AT_MAX)) {
            throw new InvalidMessageException("occurredAt", "years 0001..9999", occurredAt.toString());
        }
        return occurredAt.truncatedTo(ChronoUnit.MICROS);
    }

    private @Nullable String encodeHeaders(OutboxMessage message, MessageContext context) {
        Map<String, String> headers = new LinkedHashMap<>();
        if (settings.instance() != null) {
            headers.put("instance", settings.instance());
        }
        if (settings.environment() != null) {
            headers.put("environment", settings.environment());
        }
        headers.putAll(context.headers());
        headers.putAll(message.headers());
        if (headers.isEmpty()) {
            return null;
        }
        if (headers.size() > HEADERS_MAX) {
            throw new InvalidMessageException(
                    "headers", "at most " + HEADERS_MAX + " headers", headers.size() + " headers");
        }
        StringBuilder json = new StringBuilder(64 * headers.size());
        int bytes = 1;
        String separator = "{\"";
        for (Map.Entry<String, String> header : headers.entrySet()) {
            String name = checkHeaderName(header.getKey());
            String value = header.getValue();
            int start = json.length();
            int valueBytes = checkText("headers[" + name + "]", value, 0, HEADER_VALUE_BYTES_MAX, true);
            json.append(separator).append(name).append("\":\"");
            JsonStringEncoder.getInstance().quoteAsString(value, json);
            json.append('"');
            bytes += json.length() - start + valueBytes - value.length();
            separator = ",\"";
        }
        if (bytes > HEADERS_BYTES_MAX) {
            throw new InvalidMessageException(
                    "headers", "at most " + HEADERS_BYTES_MAX + " bytes as JSON", bytes + " bytes");
        }
        return json.append('}').toString();
    }

    private static String checkHeaderName(@Nullable String name) {
        if (name == null || !HEADER_NAME.matcher(name).matches()) {
            throw new InvalidMessageException(
                    "headers",
                    "names of 1..255 bytes, letters, digits and !#$%&'*+-.^_`|~",
                    name == null ? "null" : "a name of " + utf8Length(name) + " bytes, \"" + shown(name) + "\"");
        }
        if (HEADERS_RESERVED.contains(name.toLowerCase(Locale.ROOT))) {
            throw new InvalidMessageException(
                    "headers[" + shown(name) + "]", "a name the relay does not write itself", "reserved");
        }
        return name;
    }

    private int checkContent(Content.Encoded content, @Nullable String key) {
        byte[] body = content.body();
        if (body != null) {
            checkBytes("body", body.length);
            return body.length;
        }
        String json = content.json();
        if (json != null) {
            int bytes = checkText("payload", json, 1, settings.payloadBytesMax(), true);
            checkJson(json);
            return bytes;
        }
        if (key == null) {
            throw new InvalidMessageException("key", "1..1024 bytes, as a tombstone needs a key", "null");
        }
        return 0;
    }

    private void checkBytes(String field, int bytes) {
        if (bytes > settings.payloadBytesMax()) {
            throw new InvalidMessageException(field, "0.." + settings.payloadBytesMax() + " bytes", bytes + " bytes");
        }
    }

    /** One JSON value and nothing after it; read through without building anything. The cause would quote the text. */
    private static void checkJson(String json) {
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), json)) {
            try {
                if (parser.nextToken() == null) {
                    throw invalidJson("nothing but white space");
                }
                parser.skipChildren();
                if (parser.nextToken() != null) {
                    throw invalidJson("a second value at character "
                            + parser.currentTokenLocation().getCharOffset());
                }
            } catch (JacksonException e) {
                throw invalidJson(
                        "an error before character " + parser.currentLocation().getCharOffset());
            }
        }
    }

    private static InvalidMessageException invalidJson(String actual) {
        return new InvalidMessageException(
                "payload",
                "one JSON value (RFC 8259), nested at most 500 deep, names of at most 50000 and numbers of at most 1000 characters",
                actual);
    }

    private static String checkName(String field, @Nullable String value, int bytesMax) {
        checkText(field, value, 1, bytesMax, false);
        return Objects.requireNonNull(value);
    }

    /** Returns the length in UTF-8. NUL is refused always, as PostgreSQL cannot store it. */
    private static int checkText(
            String field, @Nullable String value, int bytesMin, int bytesMax, boolean controlsAllowed) {
        String limit = bytesMin + ".." + bytesMax + " bytes";
        if (value == null) {
            throw new InvalidMessageException(field, limit, "null");
        }
        int bytes = utf8Length(value);
        if (bytes < bytesMin || bytes > bytesMax) {
            throw new InvalidMessageException(field, limit, bytes + " bytes");
        }
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == 0 || (!controlsAllowed && Character.isISOControl(c))) {
                throw new InvalidMessageException(
                        field,
                        limit + (controlsAllowed ? " without NUL" : " without control characters"),
                        String.format(Locale.ROOT, "character U+%04X at %d", (int) c, i));
            }
            if (Character.isSurrogate(c)) {
                if (!Character.isHighSurrogate(c)
                        || i + 1 == value.length()
                        || !Character.isLowSurrogate(value.charAt(i + 1))) {
                    throw new InvalidMessageException(
                            field, limit + " of whole characters", "an unpaired surrogate at " + i);
                }
                i++;
            }
        }
        return bytes;
    }

    /** The length in UTF-8; an unpaired surrogate counts as two. */
    private static int utf8Length(String value) {
        int bytes = value.length();
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c >= 0x80) {
                bytes += c < 0x800 || Character.isSurrogate(c) ? 1 : 2;
            }
        }
        return bytes;
    }

    private static String shown(@Nullable String value) {
        if (value == null) {
            return "";
        }
        String start = value.length() > SHOWN_CHARS_MAX ? value.substring(0, SHOWN_CHARS_MAX) + "…" : value;
        StringBuilder shown = new StringBuilder(start.length());
        start.chars().forEach(c -> shown.append(Character.isISOControl(c) ? '?' : (char) c));
        return shown.toString();
    }

    /** @throws IllegalArgumentException if a setting that is stored with every message would be refused later */
    static void checkSetting(String name, String value, int bytesMax) {
        try {
            checkName(name, value, bytesMax);
        } catch (InvalidMessageException e) {
            throw new IllegalArgumentException(
                    "Setting refused: name=" + name + ", limit=" + e.limit() + ", actual=" + e.actual(), e);
        }
    }
}
