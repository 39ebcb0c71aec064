package dev.outbox;

import java.time.Clock;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How a service appends. Immutable; start from {@link #of} and change what differs.
 *
 * <pre>{@code
 * OutboxSettings.of("order-service").withEnvironment("production").withPayloadBytesMax(256 * 1024)
 * }</pre>
 *
 * @param source the name of the service, 1 to 255 bytes without control characters; stored with every message
 * @param schema the schema of the outbox tables, {@code [a-z_][a-z0-9_]{0,62}}; {@code outbox} by default
 * @param payloadBytesMax the most bytes of a payload or body; 1 MiB by default, at most 16 MiB
 * @param typePattern what a message type must match in full; {@code entity.action} by default
 * @param instance which instance of the service appended, as header {@code instance}; none by default
 * @param environment where the service runs, as header {@code environment}; none by default
 * @param serializer how payload objects become JSON; Jackson 3 by default
 * @param clock the time of {@code occurredAt} where a message has none; UTC by default
 */
public record OutboxSettings(
        String source,
        String schema,
        int payloadBytesMax,
        Pattern typePattern,
        @Nullable String instance,
        @Nullable String environment,
        PayloadSerializer serializer,
        Clock clock) {

    /** The schema that holds the outbox unless configured: {@value}. */
    public static final String SCHEMA_DEFAULT = "outbox";

    /** The most bytes of a payload unless configured: 1 MiB. */
    public static final int PAYLOAD_BYTES_DEFAULT = 1024 * 1024;

    /** The most bytes of a payload that the table takes: 16 MiB. */
    public static final int PAYLOAD_BYTES_MAX = 16 * 1024 * 1024;

    /** The form of a type unless configured: lower-case words with dots between, such as {@code order.created}. */
    public static final Pattern TYPE_PATTERN_DEFAULT = Pattern.compile("^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+$");

    private static final Pattern SCHEMA = Pattern.compile("[a-z_][a-z0-9_]{0,62}");

    /** @throws IllegalArgumentException if a setting is out of its bounds; the text names it */
    public OutboxSettings {
        MessageEncoder.checkSetting("source", source, 255);
        checkSchema(schema);
        if (payloadBytesMax < 1 || payloadBytesMax > PAYLOAD_BYTES_MAX) {
            throw new IllegalArgumentException("Setting refused: name=payloadBytesMax, limit=1.." + PAYLOAD_BYTES_MAX
                    + " bytes, actual=" + payloadBytesMax);
        }
        Objects.requireNonNull(typePattern, "typePattern");
        if (instance != null) {
            MessageEncoder.checkSetting("instance", instance, 255);
        }
        if (environment != null) {
            MessageEncoder.checkSetting("environment", environment, 255);
        }
        Objects.requireNonNull(serializer, "serializer");
        Objects.requireNonNull(clock, "clock");
    }

    /**
     * Returns the name of a schema that may be put into SQL as it is.
     *
     * @throws IllegalArgumentException if it does not match {@code [a-z_][a-z0-9_]{0,62}}
     */
    public static String checkSchema(String schema) {
        if (!SCHEMA.matcher(schema).matches()) {
            throw new IllegalArgumentException("Setting refused: name=schema, limit=" + SCHEMA + ", actual=" + schema);
        }
        return schema;
    }

    /** Defaults for the service of this name. */
    public static OutboxSettings of(String source) {
        return new OutboxSettings(
                source,
                SCHEMA_DEFAULT,
                PAYLOAD_BYTES_DEFAULT,
                TYPE_PATTERN_DEFAULT,
                null,
                null,
                PayloadSerializer.jackson(),
                Clock.systemUTC());
    }

    /** These settings for the outbox in another schema. */
    public OutboxSettings withSchema(String schema) {
        return new OutboxSettings(
                source, schema, payloadBytesMax, typePattern, instance, environment, serializer, clock);
    }

    /** These settings with another limit for payloads, in bytes. */
    public OutboxSettings withPayloadBytesMax(int payloadBytesMax) {
        return new OutboxSettings(
                source, schema, payloadBytesMax, typePattern, instance, environment, serializer, clock);
    }

    /** These settings with another form of message types, for teams that bring their own names. */
    public OutboxSettings withTypePattern(Pattern typePattern) {
        return new OutboxSettings(
                source, schema, payloadBytesMax, typePattern, instance, environment, serializer, clock);
    }

    /** These settings with the header {@code instance}. */
    public OutboxSettings withInstance(@Nullable String instance) {
        return new OutboxSettings(
                source, schema, payloadBytesMax, typePattern, instance, environment, serializer, clock);
    }

    /** These settings with the header {@code environment}. */
    public OutboxSettings withEnvironment(@Nullable String environment) {
        return new OutboxSettings(
                source, schema, payloadBytesMax, typePattern, instance, environment, serializer, clock);
    }

    /** These settings with another way from object to JSON. */
    public OutboxSettings withSerializer(PayloadSerializer serializer) {
        return new OutboxSettings(
                source, schema, payloadBytesMax, typePattern, instance, environment, serializer, clock);
    }

    /** These settings with another clock. */
    public OutboxSettings withClock(Clock clock) {
        return new OutboxSettings(
                source, schema, payloadBytesMax, typePattern, instance, environment, serializer, clock);
    }
}
