package dev.outbox;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A message to append. Immutable; start from a factory and add what it needs. Limits are checked when it is appended.
 *
 * <pre>{@code
 * OutboxMessage.of("orders", "order.created", "order-42", new OrderCreated("order-42", 1999))
 *         .withVersion("1.1")
 *         .withHeader("tenant", "acme")
 * }</pre>
 *
 * <table>
 *   <caption>Limits (lengths in UTF-8 bytes)</caption>
 *   <tr><td>topic</td><td>1..249, no control characters</td></tr>
 *   <tr><td>type</td><td>1..255, {@link OutboxSettings#typePattern}</td></tr>
 *   <tr><td>key</td><td>absent, or 1..1024 without NUL</td></tr>
 *   <tr><td>channel</td><td>1..63, no control characters</td></tr>
 *   <tr><td>version</td><td>MAJOR.MINOR, up to five digits each</td></tr>
 *   <tr><td>correlationId, causationId</td><td>absent, or 1..255 without control characters</td></tr>
 *   <tr><td>contentType</td><td>1..255 visible ASCII characters and spaces</td></tr>
 *   <tr><td>occurredAt</td><td>years 0001 to 9999; stored in microseconds, the rest cut off</td></tr>
 *   <tr><td>headers</td><td>64 of them, 32768 as JSON together; a name 1..255 token characters, a value 0..8192
 *       without NUL</td></tr>
 *   <tr><td>payload or body</td><td>{@link OutboxSettings#payloadBytesMax}; JSON nested at most 500 deep</td></tr>
 * </table>
 *
 * <p>A message without a key has no order and holds nothing back. A message object may be appended more than once: each
 * append makes a new id unless {@link #withId} was used.
 */
public final class OutboxMessage {

    private static final String JSON = "application/json";

    private final String topic;
    private final String type;
    private final @Nullable String key;
    private final Content content;
    private final String contentType;
    private final String channel;
    private final String version;
    private final @Nullable UUID id;
    private final @Nullable Instant occurredAt;
    private final @Nullable String correlationId;
    private final @Nullable String causationId;
    private final Map<String, String> headers;

    private OutboxMessage(Draft draft) {
        this.topic = draft.topic;
        this.type = draft.type;
        this.key = draft.key;
        this.content = draft.content;
        this.contentType = draft.contentType;
        this.channel = draft.channel;
        this.version = draft.version;
        this.id = draft.id;
        this.occurredAt = draft.occurredAt;
        this.correlationId = draft.correlationId;
        this.causationId = draft.causationId;
        this.headers = draft.headers;
    }

    /**
     * A message whose payload is an object, written as JSON by the serializer of the settings when it is appended.
     *
     * @param topic where it goes: a Kafka topic, an exchange on RabbitMQ
     * @param type what happened, as {@code entity.action}
     * @param key what it happened to: messages of one topic and key keep their order
     */
    public static OutboxMessage of(String topic, String type, @Nullable String key, Object payload) {
        return new OutboxMessage(new Draft(topic, type, key, new Content.Value(payload), JSON));
    }

    /** A message whose payload is JSON text, checked when it is appended and stored character for character. */
    public static OutboxMessage ofJson(String topic, String type, @Nullable String key, String json) {
        return new OutboxMessage(new Draft(topic, type, key, new Content.Json(json), JSON));
    }

    /** A message whose payload is JSON in UTF-8 (no byte order mark), checked when appended, stored byte for byte. */
    public static OutboxMessage ofJson(String topic, String type, @Nullable String key, byte[] json) {
        return new OutboxMessage(new Draft(topic, type, key, new Content.JsonBytes(json.clone()), JSON));
    }

    /** A message whose body is bytes of some other format, such as Avro or Protobuf, stored as they are. */
    public static OutboxMessage ofBytes(
            String topic, String type, @Nullable String key, byte[] body, String contentType) {
        return new OutboxMessage(new Draft(topic, type, key, new Content.Binary(body.clone()), contentType));
    }

    /** A message without content, which tells a compacted topic that its key is gone. */
    public static OutboxMessage tombstone(String topic, String type, String key) {
        return new OutboxMessage(new Draft(topic, type, key, new Content.Tombstone(), JSON));
    }

    /** This message for another relay channel than {@code default}. */
    public OutboxMessage withChannel(String channel) {
        Draft draft = new Draft(this);
        draft.channel = channel;
        return new OutboxMessage(draft);
    }

    /** This message with another schema version of its payload than {@code 1.0}. */
    public OutboxMessage withVersion(String version) {
        Draft draft = new Draft(this);
        draft.version = version;
        return new OutboxMessage(draft);
    }

    /** This message with these headers and no others. */
    public OutboxMessage withHeaders(Map<String, String> headers) {
        Draft draft = new Draft(this);
        draft.headers = Collections.unmodifiableMap(new LinkedHashMap<>(headers));
        return new OutboxMessage(draft);
    }

    /**
     * This message with one more header, or another value for it. It goes before a header of that name from the
     * {@link MessageContext} or the settings.
     */
    public OutboxMessage withHeader(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(name, value);
        return withHeaders(more);
    }

    /** This message with the id of the whole business flow; by default that of the {@link MessageContext}. */
    public OutboxMessage withCorrelationId(@Nullable String correlationId) {
        Draft draft = new Draft(this);
        draft.correlationId = correlationId;
        return new OutboxMessage(draft);
    }

    /** This message with the id of what caused it; by default that of the {@link MessageContext}. */
    public OutboxMessage withCausationId(@Nullable String causationId) {
        Draft draft = new Draft(this);
        draft.causationId = causationId;
        return new OutboxMessage(draft);
    }

    /** This message with the time it tells of; by default the time of the append. */
    public OutboxMessage withOccurredAt(@Nullable Instant occurredAt) {
        Draft draft = new Draft(this);
        draft.occurredAt = occurredAt;
        return new OutboxMessage(draft);
    }

    /** This message with an id of its own; who gives the same id twice makes one message of the two for an inbox. */
    public OutboxMessage withId(@Nullable UUID id) {
        Draft draft = new Draft(this);
        draft.id = id;
        return new OutboxMessage(draft);
    }

    /** This message with another media type. */
    public OutboxMessage withContentType(String contentType) {
        Draft draft = new Draft(this);
        draft.contentType = contentType;
        return new OutboxMessage(draft);
    }

    public String topic() {
        return topic;
    }

    public String type() {
        return type;
    }

    public Optional<String> key() {
        return Optional.ofNullable(key);
    }

    public String contentType() {
        return contentType;
    }

    public String channel() {
        return channel;
    }

    public String version() {
        return version;
    }

    /** The id, if one was given. */
    public Optional<UUID> id() {
        return Optional.ofNullable(id);
    }

    public Optional<Instant> occurredAt() {
        return Optional.ofNullable(occurredAt);
    }

    public Optional<String> correlationId() {
        return Optional.ofNullable(correlationId);
    }

    public Optional<String> causationId() {
        return Optional.ofNullable(causationId);
    }

    /** The message's own headers, in the order they were given. */
    public Map<String, String> headers() {
        return headers;
    }

    Content content() {
        return content;
    }

    /** Names the message without its content, key or header values. */
    @Override
    public String toString() {
        return "OutboxMessage[id=" + id + ", channel=" + channel + ", topic=" + topic + ", type=" + type + ", version="
                + version + "]";
    }

    private static final class Draft {

        private final String topic;
        private final String type;
        private final @Nullable String key;
        private final Content content;
        private String contentType;
        private String channel = "default";
        private String version = "1.0";
        private @Nullable UUID id;
        private @Nullable Instant occurredAt;
        private @Nullable String correlationId;
        private @Nullable String causationId;
        private Map<String, String> headers = Map.of();

        Draft(String topic, String type, @Nullable String key, Content content, String contentType) {
            this.topic = topic;
            this.type = type;
            this.key = key;
            this.content = Objects.requireNonNull(content);
            this.contentType = contentType;
        }

        Draft(OutboxMessage message) {
            this(message.topic, message.type, message.key, message.content, message.contentType);
            this.channel = message.channel;
            this.version = message.version;
            this.id = message.id;
            this.occurredAt = message.occurredAt;
            this.correlationId = message.correlationId;
            this.causationId = message.causationId;
            this.headers = message.headers;
        }
    }
}
