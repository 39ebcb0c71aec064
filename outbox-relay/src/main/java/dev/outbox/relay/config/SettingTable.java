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
    static final String RABBIT_ROUTES = "outbox.rabbitmq.routes.";

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
    static final String RABBIT_HOST = "outbox.rabbitmq.host";
    static final String RABBIT_PORT = "outbox.rabbitmq.port";
    static final String RABBIT_USER = "outbox.rabbitmq.user";
    static final String RABBIT_PASSWORD = "outbox.rabbitmq.password";
    static final String RABBIT_VIRTUAL_HOST = "outbox.rabbitmq.virtual-host";
    static final String RABBIT_TLS = "outbox.rabbitmq.tls";
    static final String RABBIT_TRUST_STORE = "outbox.rabbitmq.trust-store";
    static final String RABBIT_TRUST_STORE_PASSWORD = "outbox.rabbitmq.trust-store-password";
    static final String RABBIT_KEY_STORE = "outbox.rabbitmq.key-store";
    static final String RABBIT_KEY_STORE_PASSWORD = "outbox.rabbitmq.key-store-password";

    static final String BROKER = "broker";
    static final String LANES = "lanes";
    static final String PAGE_ROWS = "page-rows";
    static final String PAGE_SIZE = "page-size";
    static final String PAGES_IN_FLIGHT = "pages-in-flight";
    static final String IN_FLIGHT_SIZE = "in-flight-size";
    static final String PUBLISH_TIMEOUT = "publish-timeout";
    static final String ENVELOPE = "envelope";
    static final String ORDER = "order";
    static final String ATTEMPTS = "attempts";
    static final String RETRY_BACKOFF = "retry-backoff";
    static final String RETRY_BACKOFF_MAX = "retry-backoff-max";
    static final String PARKED_MAX = "parked-max";
    static final String PARKED_SIZE_MAX = "parked-size-max";

    static final String ROUTE_TOPIC = "topic";
    static final String ROUTE_TYPE = "type";
    static final String ROUTE_EXCHANGE = "exchange";
    static final String ROUTE_ROUTING_KEY = "routing-key";
    static final String ROUTE_QUEUE = "queue";
    static final String ROUTE_DECLARE = "declare";
    static final String ROUTE_EXCHANGE_TYPE = "exchange-type";
    static final String ROUTE_QUEUE_TYPE = "queue-type";
    static final String ROUTE_MANDATORY = "mandatory";

    static final String KAFKA = "kafka";
    static final String RABBITMQ = "rabbitmq";

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
            Setting.optional(
                    KAFKA_SERVERS,
                    Type.addresses(),
                    "",
                    "Kafka's addresses, `host:port`, several separated by commas; needed where a channel goes to Kafka."
                            + " `KAFKA_BROKERS` does it too."),
            Setting.optional(
                    RABBIT_HOST,
                    Type.hosts(),
                    "",
                    "RabbitMQ's host; several, separated by commas, are tried in this order, and each may have a port of its"
                            + " own, `host:port`. Needed where a channel goes to RabbitMQ. `RABBITMQ_HOST` does it too."),
            Setting.optional(
                    RABBIT_PORT,
                    Type.count(1, 65_535),
                    "",
                    "The port of hosts without one. Without it, 5672, or 5671 with TLS. `RABBITMQ_PORT` does it too."),
            Setting.optional(
                    RABBIT_USER,
                    Type.text(255),
                    "guest",
                    "Who logs in; RabbitMQ lets `guest` in from its own machine only. `RABBITMQ_USER` does it too."),
            Setting.secret(
                    RABBIT_PASSWORD,
                    Type.text(1000),
                    "The user's password. Without it, `guest`. `RABBITMQ_PASS` does it too."),
            Setting.optional(
                    RABBIT_VIRTUAL_HOST,
                    Type.text(255),
                    "/",
                    "The virtual host with the exchanges. `RABBITMQ_VHOST` does it too."),
            Setting.optional(
                    RABBIT_TLS,
                    Type.choice("true", "false"),
                    "false",
                    "Whether connections to RabbitMQ are encrypted; its certificate and host name are always checked."),
            Setting.optional(
                    RABBIT_TRUST_STORE,
                    Type.text(4096),
                    "",
                    "A file of the certificates to trust: PEM, PKCS#12 or JKS. Without it, those that the JVM trusts."),
            Setting.secret(RABBIT_TRUST_STORE_PASSWORD, Type.text(1000), "Its password; PEM has none."),
            Setting.optional(
                    RABBIT_KEY_STORE,
                    Type.text(4096),
                    "",
                    "A file with the relay's own certificate and key, PKCS#12 or JKS, for a RabbitMQ that asks for one."),
            Setting.secret(RABBIT_KEY_STORE_PASSWORD, Type.text(1000), "Its password and its key's."));

    /** Settings of each channel, by the last part of their key. */
    static final List<Setting> CHANNEL = List.of(
            Setting.optional(
                    BROKER,
                    Type.choice(KAFKA, RABBITMQ),
                    "",
                    "Where the channel's messages go. Without it, `kafka`, or `rabbitmq` if only that has an address."),
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
                            + " may have gone ahead, which is logged and counted. `strict`: one at a time for each key."),
            Setting.optional(
                    ATTEMPTS,
                    Type.count(1, 100),
                    "5",
                    "After so many refusals by the broker a message is dead: it stays parked until an operator retries or"
                            + " discards it. An outage is no attempt, nor is a topic that is missing or forbidden."),
            Setting.optional(
                    RETRY_BACKOFF,
                    Type.duration("1ms", "1d"),
                    "1s",
                    "How long a refused message waits for its second attempt; each further wait is four times as long."),
            Setting.optional(
                    RETRY_BACKOFF_MAX, Type.duration("1ms", "1d"), "5m", "The longest wait between two attempts."),
            Setting.optional(
                    PARKED_MAX,
                    Type.count(1, 10_000_000),
                    "100000",
                    "So many messages of a lane may be parked; then it reads nothing more until there are fewer."),
            Setting.optional(
                    PARKED_SIZE_MAX,
                    Type.size("1KB", "1TB"),
                    "1GB",
                    "About how many bytes of a lane's messages may be parked, likewise."));

    /** Settings of each route to RabbitMQ, by the last part of their key. */
    static final List<Setting> ROUTE = List.of(
            Setting.optional(
                    ROUTE_TOPIC,
                    Type.text(255),
                    "*",
                    "Which topics the route is for: `*` stands for any characters, `?` for one."),
            Setting.optional(ROUTE_TYPE, Type.text(255), "*", "Which types of events it is for, in the same way."),
            Setting.optional(
                    ROUTE_EXCHANGE,
                    Type.text(255),
                    "{topic}",
                    "The exchange to publish to. `{topic}`, `{type}`, `{key}` and `{source}` stand for the message's own."),
            Setting.optional(ROUTE_ROUTING_KEY, Type.text(255), "{type}", "The routing key, with the same variables."),
            Setting.optional(
                    ROUTE_QUEUE,
                    Type.text(255),
                    "",
                    "A queue to send to, in place of exchange and routing key: point to point, through the default"
                            + " exchange. The same variables."),
            Setting.optional(
                    ROUTE_DECLARE,
                    Type.choice("true", "false"),
                    "false",
                    "Whether the relay declares the exchange, or the queue, durable, before it publishes to it. If it is"
                            + " there in another form, the relay does not start."),
            Setting.optional(
                    ROUTE_EXCHANGE_TYPE,
                    Type.text(127),
                    "topic",
                    "What kind of exchange it declares: `topic`, `direct`, `fanout`, `headers`, `x-consistent-hash` or"
                            + " another that RabbitMQ has."),
            Setting.optional(
                    ROUTE_QUEUE_TYPE, Type.choice("quorum", "classic"), "quorum", "What kind of queue it declares."),
            Setting.optional(
                    ROUTE_MANDATORY,
                    Type.choice("true", "false"),
                    "true",
                    "Whether a message that no queue takes counts as refused, and is parked. With `false` RabbitMQ drops it"
                            + " silently: for events that nobody need listen to."));

    /** Names that are usual elsewhere, lower than a variable of our own and higher than a file. */
    static final Map<String, String> OTHER_VARIABLES = Map.of(
            "KAFKA_BROKERS", KAFKA_SERVERS,
            "RABBITMQ_HOST", RABBIT_HOST,
            "RABBITMQ_PORT", RABBIT_PORT,
            "RABBITMQ_USER", RABBIT_USER,
            "RABBITMQ_PASS", RABBIT_PASSWORD,
            "RABBITMQ_VHOST", RABBIT_VIRTUAL_HOST);

    private SettingTable() {}

    /** The setting of a full key in the table's own spelling. */
    static Optional<Setting> find(String key) {
        String last = key.substring(key.lastIndexOf('.') + 1);
        if (key.startsWith(CHANNELS)) {
            return named(last, CHANNEL);
        }
        if (key.startsWith(RABBIT_ROUTES)) {
            return named(last, ROUTE);
        }
        return SINGLE.stream().filter(setting -> setting.key().equals(key)).findFirst();
    }

    private static Optional<Setting> named(String last, List<Setting> settings) {
        return settings.stream().filter(setting -> setting.key().equals(last)).findFirst();
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
