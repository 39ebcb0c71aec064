package dev.outbox.spring;

import dev.outbox.OutboxSettings;
import java.time.Duration;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * The settings {@code outbox.*} of a service.
 *
 * @param enabled Whether to configure the outbox and the inbox.
 * @param service The service that appends.
 * @param schema Schema of the outbox and inbox tables: lower-case letters, digits and underscores.
 * @param payloadBytesMax Largest payload or body of a message, at most 16MB.
 * @param typePattern Regular expression that every message type must match in full; by default entity.action.
 * @param migrate Whether to create or upgrade the tables of the outbox at start, with Flyway.
 * @param inbox The inbox of a consumer.
 */
@ConfigurationProperties("outbox")
public record OutboxProperties(
        @DefaultValue("true") boolean enabled,
        @DefaultValue Service service,
        @DefaultValue(OutboxSettings.SCHEMA_DEFAULT) String schema,
        @DefaultValue("1MB") DataSize payloadBytesMax,
        @Nullable Pattern typePattern,
        @DefaultValue("true") boolean migrate,
        @DefaultValue Inbox inbox) {

    /** @throws IllegalArgumentException if a setting is out of its bounds; the text names it */
    public OutboxProperties {
        OutboxSettings.checkSchema(schema);
        if (payloadBytesMax.toBytes() < 1 || payloadBytesMax.toBytes() > OutboxSettings.PAYLOAD_BYTES_MAX) {
            throw new IllegalArgumentException(
                    "Setting refused: name=outbox.payload-bytes-max, limit=1B..16MB, actual=" + payloadBytesMax);
        }
    }

    /**
     * Who appends.
     *
     * @param name Name of the service, stored with every message; by default SERVICE_NAME of the environment, else
     *     spring.application.name.
     * @param instance Instance of the service, sent as header "instance".
     * @param environment Environment of the service, such as production, sent as header "environment".
     */
    public record Service(
            @Nullable String name,
            @Nullable String instance,
            @Nullable String environment) {}

    /**
     * The inbox of a consumer.
     *
     * @param enabled Whether to configure an inbox.
     * @param migrate Whether to create or upgrade the table of the inbox at start, with Flyway.
     * @param retention How long message ids are remembered, longer than any can be delivered again; 0 keeps them for
     *     ever.
     */
    public record Inbox(
            @DefaultValue("true") boolean enabled,
            @DefaultValue("true") boolean migrate,
            @DefaultValue("30d") Duration retention) {

        /** @throws IllegalArgumentException if the retention is negative */
        public Inbox {
            if (retention.isNegative()) {
                throw new IllegalArgumentException(
                        "Setting refused: name=outbox.inbox.retention, limit=0 or more, actual=" + retention);
            }
        }
    }
}
