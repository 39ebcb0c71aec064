package dev.outbox.relay.config;

import dev.outbox.relay.ChannelSettings;
import dev.outbox.relay.Database;
import dev.outbox.relay.RelaySettings;
import dev.outbox.relay.broker.Envelope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Checks everything that was given against the table and against each other, then makes of it what the engine takes. */
final class SettingsCheck {

    private static final Pattern CHANNEL_NAME = Pattern.compile("[A-Za-z0-9._-]{1,63}");
    private static final Pattern RELAY_NAME = Pattern.compile("[!-~]+");
    private static final Pattern SCHEMA_NAME = Pattern.compile("[a-z_][a-z0-9_]{0,62}");
    private static final Pattern PASSWORD_IN_URL = Pattern.compile("[?&]password=", Pattern.CASE_INSENSITIVE);

    private final Map<String, Given> given;
    private final List<Problem> problems;

    SettingsCheck(Map<String, Given> given, List<Problem> problems) {
        this.given = given;
        this.problems = new ArrayList<>(problems);
    }

    RelayConfiguration relay() {
        for (Setting setting : SettingTable.SINGLE) {
            requireGiven(setting);
        }
        requireAddress(RelayConfiguration.BrokerKind.KAFKA, SettingTable.KAFKA_SERVERS);
        requireAddress(RelayConfiguration.BrokerKind.RABBITMQ, SettingTable.RABBIT_HOST);
        check();
        RelaySettings relay = relaySettings();
        return new RelayConfiguration(
                databaseSettings(),
                relay,
                channels(),
                uses(RelayConfiguration.BrokerKind.KAFKA)
                        ? Optional.of(new RelayConfiguration.Kafka(text(SettingTable.KAFKA_SERVERS), kafkaProperties()))
                        : Optional.empty(),
                uses(RelayConfiguration.BrokerKind.RABBITMQ)
                        ? Optional.of(new RabbitSettingsCheck(given).rabbit(relay.name()))
                        : Optional.empty());
    }

    Database database() {
        for (Setting setting : SettingTable.SINGLE) {
            if (setting.key().startsWith("outbox.database.")) {
                requireGiven(setting);
            }
        }
        check();
        return databaseSettings();
    }

    private void requireGiven(Setting setting) {
        if (setting.required() && !given.containsKey(setting.key())) {
            problems.add(new Problem(setting.key(), "", missing(setting.key())));
        }
    }

    private void requireAddress(RelayConfiguration.BrokerKind broker, String key) {
        if (uses(broker) && !given.containsKey(key)) {
            problems.add(new Problem(key, "", missing(key)));
        }
    }

    private static String missing(String key) {
        return "is missing; give it in a file, as --" + key + "=... or as " + Keys.variable(key);
    }

    private boolean uses(RelayConfiguration.BrokerKind broker) {
        return Settings.channels(given.keySet()).stream().anyMatch(channel -> broker(channel) == broker);
    }

    /** Where a channel goes; where nothing is said, to the only broker that has an address, else to Kafka. */
    private RelayConfiguration.BrokerKind broker(String channel) {
        Given named = given.get(SettingTable.CHANNELS + channel + "." + SettingTable.BROKER);
        boolean rabbit = named == null
                ? given.containsKey(SettingTable.RABBIT_HOST) && !given.containsKey(SettingTable.KAFKA_SERVERS)
                : named.value().equalsIgnoreCase(SettingTable.RABBITMQ);
        return rabbit ? RelayConfiguration.BrokerKind.RABBITMQ : RelayConfiguration.BrokerKind.KAFKA;
    }

    private void check() {
        given.forEach((key, value) -> SettingTable.find(key).ifPresent(setting -> {
            if (setting.type().isNetwork() && value.value().contains("@")) {
                complainHidden(
                        key, "has a login in it, which is not shown; give user and password as settings of their own");
            } else {
                setting.type().complaint(value.value()).ifPresent(complaint -> complain(key, complaint));
            }
        }));
        checkDatabase();
        checkRelayName();
        for (String channel : Settings.channels(given.keySet())) {
            checkChannel(channel);
        }
        checkOrder(SettingTable.POLL_MIN, SettingTable.POLL_MAX);
        checkOrder(SettingTable.CHECKPOINT_INTERVAL, SettingTable.LEASE);
        if (given.containsKey(SettingTable.ROTATE_AFTER)) {
            checkOrder(SettingTable.ROTATE_AFTER, SettingTable.RETENTION);
        }
        problems.addAll(KafkaProperties.problems(given));
        if (problems.isEmpty()) {
            problems.addAll(new RabbitSettingsCheck(given).problems()); // of values that are well formed
        }
        if (!problems.isEmpty()) {
            throw new InvalidSettingsException(problems);
        }
    }

    private void checkDatabase() {
        Given url = given.get(SettingTable.DATABASE_URL);
        if (url != null && !url.value().startsWith("jdbc:postgresql:")) {
            complain(SettingTable.DATABASE_URL, "is not a JDBC URL; write jdbc:postgresql://host:port/database");
        } else if (url != null && PASSWORD_IN_URL.matcher(url.value()).find()) {
            complainHidden(
                    SettingTable.DATABASE_URL,
                    "has a password in it, and URLs are logged; give it as " + SettingTable.DATABASE_PASSWORD);
        }
        Given schema = given.get(SettingTable.DATABASE_SCHEMA);
        if (schema != null && !SCHEMA_NAME.matcher(schema.value()).matches()) {
            complain(
                    SettingTable.DATABASE_SCHEMA,
                    "is not the name of a schema; use lower-case letters, digits and '_', at most 63, not starting with a"
                            + " digit");
        }
    }

    private void checkRelayName() {
        Given name = given.get(SettingTable.RELAY_NAME);
        if (name != null && !RELAY_NAME.matcher(name.value()).matches()) {
            complain(
                    SettingTable.RELAY_NAME, "is not the name of a relay; use visible ASCII characters without spaces");
        }
    }

    private void checkChannel(String channel) {
        String prefix = SettingTable.CHANNELS + channel + ".";
        if (!CHANNEL_NAME.matcher(channel).matches()) {
            String origin = given.values().stream()
                    .filter(value -> value.key().startsWith(prefix))
                    .map(Given::origin)
                    .findFirst()
                    .orElse("");
            problems.add(new Problem(
                    SettingTable.CHANNELS + channel,
                    origin,
                    "is not the name of a channel; use 1 to 63 letters, digits, '.', '_' or '-'"));
        }
        checkOrder(prefix + SettingTable.PAGE_SIZE, prefix + SettingTable.IN_FLIGHT_SIZE);
        checkOrder(prefix + SettingTable.RETRY_BACKOFF, prefix + SettingTable.RETRY_BACKOFF_MAX);
    }

    /** Two measures of which the first must not exceed the second; what is malformed has been reported already. */
    private void checkOrder(String low, String high) {
        Given least = given.get(low);
        Given most = given.get(high);
        if ((least == null && most == null) || malformed(low) || malformed(high)) {
            return;
        }
        if (measure(low) > measure(high)) {
            String blamed = least == null ? high : low;
            complain(
                    blamed,
                    "contradicts: " + low + "=" + text(low) + " must not exceed " + high + "=" + text(high)
                            + "; change one of them");
        }
    }

    private boolean malformed(String key) {
        return SettingTable.find(key)
                .flatMap(setting -> setting.type().complaint(text(key)))
                .isPresent();
    }

    private long measure(String key) {
        return Quantity.duration(text(key))
                .map(Duration::toNanos)
                .orElseGet(() -> Quantity.bytes(text(key)).orElseThrow());
    }

    private void complain(String key, String complaint) {
        Given value = given.get(key);
        problems.add(
                value == null
                        ? new Problem(key, "", complaint)
                        : new Problem(key + "=" + value.shown(), value.origin(), complaint));
    }

    private void complainHidden(String key, String complaint) {
        problems.add(new Problem(key, given.containsKey(key) ? given.get(key).origin() : "", complaint));
    }

    private Database databaseSettings() {
        return new Database(
                text(SettingTable.DATABASE_URL),
                text(SettingTable.DATABASE_USER),
                text(SettingTable.DATABASE_PASSWORD),
                text(SettingTable.DATABASE_SCHEMA));
    }

    private RelaySettings relaySettings() {
        RelaySettings usual = RelaySettings.defaults();
        String name = text(SettingTable.RELAY_NAME);
        Duration retention = duration(SettingTable.RETENTION);
        Duration rotateAfter = given.containsKey(SettingTable.ROTATE_AFTER)
                ? duration(SettingTable.ROTATE_AFTER)
                : retention.dividedBy(3);
        return new RelaySettings(
                name.isEmpty() ? usual.name() : name,
                duration(SettingTable.LEASE),
                duration(SettingTable.CHECKPOINT_INTERVAL),
                duration(SettingTable.POLL_MIN),
                duration(SettingTable.POLL_MAX),
                duration(SettingTable.SHUTDOWN_TIMEOUT),
                new RelaySettings.SegmentSettings(
                        retention, rotateAfter, measure(SettingTable.SIZE_MAX), duration(SettingTable.CHECK_INTERVAL)));
    }

    private List<RelayConfiguration.Channel> channels() {
        List<RelayConfiguration.Channel> channels = new ArrayList<>();
        for (String name : Settings.channels(given.keySet())) {
            String prefix = SettingTable.CHANNELS + name + ".";
            ChannelSettings settings = new ChannelSettings(
                    name,
                    Integer.parseInt(text(prefix + SettingTable.LANES)),
                    Integer.parseInt(text(prefix + SettingTable.PAGE_ROWS)),
                    measure(prefix + SettingTable.PAGE_SIZE),
                    Integer.parseInt(text(prefix + SettingTable.PAGES_IN_FLIGHT)),
                    measure(prefix + SettingTable.IN_FLIGHT_SIZE),
                    duration(prefix + SettingTable.PUBLISH_TIMEOUT),
                    ChannelSettings.Order.valueOf(
                            text(prefix + SettingTable.ORDER).toUpperCase(Locale.ROOT)),
                    parking(prefix));
            String envelope = text(prefix + SettingTable.ENVELOPE).toUpperCase(Locale.ROOT);
            channels.add(new RelayConfiguration.Channel(settings, broker(name), Envelope.Format.valueOf(envelope)));
        }
        return channels;
    }

    private ChannelSettings.Parking parking(String prefix) {
        return new ChannelSettings.Parking(
                Integer.parseInt(text(prefix + SettingTable.ATTEMPTS)),
                duration(prefix + SettingTable.RETRY_BACKOFF),
                duration(prefix + SettingTable.RETRY_BACKOFF_MAX),
                Integer.parseInt(text(prefix + SettingTable.PARKED_MAX)),
                measure(prefix + SettingTable.PARKED_SIZE_MAX));
    }

    private Map<String, String> kafkaProperties() {
        Map<String, String> properties = new TreeMap<>();
        given.forEach((key, value) -> {
            if (key.startsWith(SettingTable.KAFKA_PROPERTIES)) {
                properties.put(key.substring(SettingTable.KAFKA_PROPERTIES.length()), value.value());
            }
        });
        return properties;
    }

    private Duration duration(String key) {
        return Quantity.duration(text(key)).orElseThrow();
    }

    /** What is in force. */
    private String text(String key) {
        return Optional.ofNullable(given.get(key))
                .map(Given::value)
                .or(() -> SettingTable.find(key).map(Setting::usual))
                .orElseThrow();
    }
}
