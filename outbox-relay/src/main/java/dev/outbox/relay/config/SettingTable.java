package dev.outbox.relay.config;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Everything that can be set, in one place: what the settings are checked against and the reference is written from. */
final class SettingTable {

    static final String PREFIX = "outbox.";
    static final String CHANNELS = "outbox.channels.";
    static final String KAFKA_PROPERTIES = "outbox.kafka.properties.";

    static final String DATABASE_URL = "outbox.database.url";
    static final String DATABASE_USER = "outbox.database.user";
    static final String DATABASE_PASSWORD = "outbox.database.password";
    static final String DATABASE_SCHEMA = "outbox.database.schema";
    static final String RELAY_NAME = "outbox.relay.name";
    static final String LEASE = "outbox.relay.lease";
    static final String CHECKPOINT_INTERVAL = "outbox.relay.checkpoint-interval";
    static final String POLL_MIN = "outbox.relay.poll-min";
    static final String POLL_MAX = "outbox.relay.poll-max";
    static final String SHUTDOWN_TIMEOUT = "outbox.relay.shutdown-timeout";
    static final String RETENTION = "outbox.segments.retention";
    static final String ROTATE_AFTER = "outbox.segments.rotate-after";
    static final String SIZE_MAX = "outbox.segments.size-max";
    static final String CHECK_INTERVAL = "outbox.segments.check-interval";
    static final String KAFKA_SERVERS = "outbox.kafka.bootstrap-servers";

    static final String BROKER = "broker";
    static final String LANES = "lanes";
    static final String PAGE_ROWS = "page-rows";
    static final String PAGE_SIZE = "page-size";
    static final String PAGES_IN_FLIGHT = "pages-in-flight";
    static final String IN_FLIGHT_SIZE = "in-flight-size";
    static final String PUBLISH_TIMEOUT = "publish-timeout";
    static final String ENVELOPE = "envelope";
    static final String ORDER = "order";

    /** Settings that exist once. */
    static final List<Setting> SINGLE = List.of(
            Setting.optional(
                    "outbox.config",
                    Type.text(4096),
                    "",
                    "A file of settings, `.properties` or `.yml`, that counts above those in the working directory."
                            + " Given as `--config FILE`, `--outbox.config=FILE` or `OUTBOX_CONFIG`; not from within a file."),
            Setting.required(
                    DATABASE_URL,
                    Type.text(4096),
                    "The database of the outbox, `jdbc:postgresql://host:port/database`, optionally with parameters such as"
                            + " `?sslmode=verify-full`. A direct connection, not through a pooler."),
            Setting.required(DATABASE_USER, Type.text(63), "The role that the relay logs in as."),
            Setting.secret(DATABASE_PASSWORD, Type.text(1000), "Its password."),
            Setting.optional(DATABASE_SCHEMA, Type.text(63), "outbox", "The schema of the outbox's tables."),
            Setting.optional(
                    RELAY_NAME,
                    Type.text(150),
                    "",
                    "How the relay is called in leases and receipts; what makes it unique is added."
                            + " Without it, process and host."),
            Setting.optional(
                    LEASE,
                    Type.duration("500ms", "1h"),
                    "10s",
                    "How long a lane stays with a relay that is not heard of; renewed at a third of it."
                            + " Another relay takes over no sooner after a crash."),
            Setting.optional(
                    CHECKPOINT_INTERVAL,
                    Type.duration("1ms", "1m"),
                    "200ms",
                    "How often a busy lane writes down how far it is. What came after the last time is published again"
                            + " after a crash."),
            Setting.optional(
                    POLL_MIN,
                    Type.duration("1ms", "10s"),
                    "1ms",
                    "How long to wait before looking again after there was something."),
            Setting.optional(
                    POLL_MAX,
                    Type.duration("1ms", "1m"),
                    "10ms",
                    "How long to wait before looking again when there has been nothing for a while."),
            Setting.optional(
                    SHUTDOWN_TIMEOUT,
                    Type.duration("0s", "10m"),
                    "20s",
                    "How long a stop waits for the broker's answers. Whoever stops the process should wait 15 s longer"
                            + " before killing it."),
            Setting.optional(
                    RETENTION,
                    Type.duration("1s", "365d"),
                    "3d",
                    "How long messages are kept in a closed segment after they were published."),
            Setting.optional(
                    ROTATE_AFTER,
                    Type.duration("1s", "365d"),
                    "",
                    "The age at which a segment is closed. Without it, a third of the retention."),
            Setting.optional(
                    SIZE_MAX,
                    Type.size("1MB", "16TB"),
                    "4GB",
                    "The size at which a segment is closed, whatever its age."),
            Setting.optional(
                    CHECK_INTERVAL, Type.duration("10ms", "1h"), "1s", "How often to look whether a segment is due."),
            Setting.required(
                    KAFKA_SERVERS,
                    Type.addresses(),
                    "Kafka's addresses, `host:port`, several separated by commas. `KAFKA_BROKERS` does it too."));

    /** Settings of each channel, by the last part of their key. */
    static final List<Setting> CHANNEL = List.of(
            Setting.optional(BROKER, Type.choice("kafka"), "kafka", "Where the channel's messages go."),
            Setting.optional(
                    LANES,
                    Type.count(1, 256),
                    "1",
                    "How many lanes the channel is divided into when it is first served; lanes are published side by side."),
            Setting.optional(PAGE_ROWS, Type.count(1, 100_000), "1000", "The most messages that are read at once."),
            Setting.optional(
                    PAGE_SIZE, Type.size("1KB", "64MB"), "4MB", "About how many bytes a page of messages may have."),
            Setting.optional(
                    PAGES_IN_FLIGHT,
                    Type.count(1, 1000),
                    "8",
                    "How many pages may be on their way through the broker."),
            Setting.optional(
                    IN_FLIGHT_SIZE,
                    Type.size("1KB", "4GB"),
                    "32MB",
                    "About how many bytes may be on their way, for each lane; one page always may."),
            Setting.optional(
                    PUBLISH_TIMEOUT,
                    Type.duration("100ms", "1h"),
                    "15s",
                    "How long the broker may stay silent with messages in flight before the relay connects anew."),
            Setting.optional(
                    ENVELOPE,
                    Type.choice("json", "none"),
                    "json",
                    "How messages are wrapped: `json`, the envelope; `none`, the content alone, the rest in headers."),
            Setting.optional(
                    ORDER,
                    Type.choice("pipelined", "strict"),
                    "pipelined",
                    "`pipelined`: many messages of a key are on their way at once; when the broker refuses one, later ones"
                            + " may have gone ahead, which is logged and counted. `strict`: one at a time for each key."));

    /** Names that are usual elsewhere, lower than a variable of our own and higher than a file. */
    static final Map<String, String> OTHER_VARIABLES = Map.of("KAFKA_BROKERS", KAFKA_SERVERS);

    private SettingTable() {}

    /** The setting of a full key in the table's own spelling. */
    static Optional<Setting> find(String key) {
        if (key.startsWith(CHANNELS)) {
            String last = key.substring(key.lastIndexOf('.') + 1);
            return CHANNEL.stream()
                    .filter(setting -> setting.key().equals(last))
                    .findFirst();
        }
        return SINGLE.stream().filter(setting -> setting.key().equals(key)).findFirst();
    }

    /** Whether a value under this key is never shown. */
    static boolean isSecret(String key) {
        if (key.startsWith(KAFKA_PROPERTIES)) {
            String property = key.substring(KAFKA_PROPERTIES.length()).toLowerCase(Locale.ROOT);
            return property.endsWith("password")
                    || property.contains("jaas")
                    || property.contains("secret")
                    || property.contains("credential")
                    || property.contains("token")
                    || property.endsWith(".key")
                    || property.endsWith("basic.auth.user.info");
        }
        return find(key).map(Setting::secret).orElse(false);
    }
}
