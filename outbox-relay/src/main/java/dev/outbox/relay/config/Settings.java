package dev.outbox.relay.config;

import dev.outbox.relay.Database;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The settings as they were given, from the places where Spring Boot looks, the first counting most:
 * {@code --key=value} arguments, system properties, environment variables, {@code application.properties} and
 * {@code application.yml} (in {@code config/} of the working directory, then in the directory itself).
 *
 * <pre>{@code
 * RelayConfiguration configuration = Settings.load(List.of("--outbox.relay.lease=5s"), Optional.empty()).forRelay();
 * }</pre>
 *
 * <p>Not thread-safe. Loading connects to nothing and never fails; the checks fail, with every problem at once.
 */
public final class Settings {

    private final SettingsSource source;

    Settings(SettingsSource source) {
        this.source = source;
    }

    /**
     * Reads what was given.
     *
     * @param arguments each {@code --key=value}; those of Spring's own that say where files are work too
     * @param file a file that counts above those in the working directory
     */
    public static Settings load(List<String> arguments, Optional<String> file) {
        return new Settings(SettingsSource.read(arguments, file));
    }

    /**
     * What a relay is started with.
     *
     * @throws InvalidSettingsException with everything that is unknown, malformed, out of range, missing or contradictory
     */
    public RelayConfiguration forRelay() {
        return new SettingsCheck(source.given(), source.problems()).relay();
    }

    /**
     * What an operation on the database needs; a broker may be missing.
     *
     * @throws InvalidSettingsException as {@link #forRelay} does
     */
    public Database forDatabase() {
        return new SettingsCheck(source.given(), source.problems()).database();
    }

    /** Whether the address of a broker was given. */
    public boolean hasBroker() {
        return source.given().containsKey(SettingTable.KAFKA_SERVERS)
                || source.given().containsKey(SettingTable.RABBIT_HOST);
    }

    /** Environment variables that look like settings and are none; somebody else's, probably. */
    public List<String> ignoredVariables() {
        return source.ignoredVariables();
    }

    /** Levels of loggers, by name, as given by {@code logging.level.<logger>}. */
    public Map<String, String> logLevels() {
        return source.logLevels();
    }

    /**
     * One setting as it is in force.
     *
     * @param key its full name
     * @param value what is in force, hidden if it is a secret; empty if there is none
     * @param origin where that comes from: {@code default}, {@code application.yml:3}, {@code environment variable …}
     * @param usual the default
     * @param range what is allowed
     * @param description what it does
     */
    public record Line(String key, String value, String origin, String usual, String range, String description) {}

    /** Every setting as it is in force, valid or not, in the order of the reference. */
    public List<Line> lines() {
        List<Line> lines = new ArrayList<>();
        for (Setting setting : SettingTable.SINGLE) {
            lines.add(line(setting, setting.key()));
        }
        source.given().forEach((key, given) -> {
            if (key.startsWith(SettingTable.KAFKA_PROPERTIES)) {
                lines.add(new Line(key, given.shown(), given.origin(), "", "", "Property of the Kafka producer."));
            }
        });
        for (String channel : channels(source.given().keySet())) {
            for (Setting setting : SettingTable.CHANNEL) {
                lines.add(line(setting, SettingTable.CHANNELS + channel + "." + setting.key()));
            }
        }
        for (int route : routes(source.given().keySet())) {
            for (Setting setting : SettingTable.ROUTE) {
                lines.add(line(setting, SettingTable.RABBIT_ROUTES + route + "." + setting.key()));
            }
        }
        return lines;
    }

    private Line line(Setting setting, String key) {
        Given given = source.given().get(key);
        return new Line(
                key,
                given == null ? setting.usual() : given.shown(),
                given != null ? given.origin() : setting.required() ? "missing" : "default",
                setting.usual(),
                setting.type().range(),
                setting.description());
    }

    /** The numbers of the routes that keys name, in order. */
    static Set<Integer> routes(Set<String> keys) {
        Set<Integer> routes = new TreeSet<>();
        keys.stream()
                .filter(key -> key.startsWith(SettingTable.RABBIT_ROUTES))
                .map(Keys::route)
                .forEach(routes::add);
        return routes;
    }

    /** The channels that keys name; {@code default} if none does. */
    static Set<String> channels(Set<String> keys) {
        Set<String> channels = new TreeSet<>(Comparator.naturalOrder());
        keys.stream()
                .filter(key -> key.startsWith(SettingTable.CHANNELS))
                .map(Keys::channel)
                .forEach(channels::add);
        return channels.isEmpty() ? Set.of("default") : channels;
    }
}
