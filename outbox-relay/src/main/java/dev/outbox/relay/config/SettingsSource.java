package dev.outbox.relay.config;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor;
import org.springframework.boot.origin.Origin;
import org.springframework.boot.origin.OriginLookup;
import org.springframework.boot.origin.TextResourceOrigin;
import org.springframework.boot.support.SpringApplicationJsonEnvironmentPostProcessor;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.SimpleCommandLinePropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import org.springframework.core.io.Resource;

/**
 * Collects what was given, from the same places and in the same order as a Spring Boot application, but without an
 * application: only the environment is made, which costs a fraction of a start.
 */
final class SettingsSource {

    private static final String ADDITIONAL_LOCATION = "spring.config.additional-location";

    /** How much like a known variable an unknown one must look to be taken for a slip and not for somebody else's. */
    private static final int VARIABLE_SLIP = 2;

    private final StandardEnvironment environment;
    private final Map<String, Given> given = new TreeMap<>();
    private final List<Problem> problems = new ArrayList<>();
    private final List<String> ignoredVariables = new ArrayList<>();

    private SettingsSource(StandardEnvironment environment) {
        this.environment = environment;
    }

    /** Reads arguments of the form {@code --key=value}, system properties, environment variables and files. */
    static SettingsSource read(List<String> arguments, Optional<String> file) {
        return read(new StandardEnvironment(), arguments, file);
    }

    /** The same with other variables and system properties than those of this process. */
    static SettingsSource read(StandardEnvironment environment, List<String> arguments, Optional<String> file) {
        SettingsSource source = new SettingsSource(environment);
        environment
                .getPropertySources()
                .addFirst(new SimpleCommandLinePropertySource(arguments.toArray(String[]::new)));
        Optional<String> named = file.or(() -> Optional.ofNullable(environment.getProperty("outbox.config")))
                .filter(path -> !path.isBlank());
        try {
            loadFiles(environment, named);
        } catch (RuntimeException e) {
            // Whatever Spring or the YAML parser objects to, the text says where; a stack trace would not help.
            source.problems.add(UnreadableFile.problem(e, named));
        }
        source.collect();
        return source;
    }

    private static void loadFiles(StandardEnvironment environment, Optional<String> file) {
        if (environment.getProperty(SpringApplicationJsonEnvironmentPostProcessor.SPRING_APPLICATION_JSON_PROPERTY)
                        != null
                || environment.getProperty(
                                SpringApplicationJsonEnvironmentPostProcessor
                                        .SPRING_APPLICATION_JSON_ENVIRONMENT_VARIABLE)
                        != null) {
            new SpringApplicationJsonEnvironmentPostProcessor()
                    .postProcessEnvironment(environment, new SpringApplication());
        }
        if (file.isPresent()) {
            String location = "file:" + new File(file.get()).getAbsolutePath();
            String more = environment.getProperty(ADDITIONAL_LOCATION);
            environment
                    .getPropertySources()
                    .addFirst(new MapPropertySource(
                            "outbox.config",
                            Map.of(ADDITIONAL_LOCATION, more == null ? location : more + "," + location)));
        }
        ConfigDataEnvironmentPostProcessor.applyTo(environment);
    }

    private void collect() {
        List<EnumerablePropertySource<?>> sources = new ArrayList<>();
        for (PropertySource<?> source : environment.getPropertySources()) {
            if (source instanceof EnumerablePropertySource<?> enumerable) {
                sources.add(enumerable);
            }
        }
        Collections.reverse(sources); // the first counts most, so it goes last
        Set<String> channels = new LinkedHashSet<>();
        for (EnumerablePropertySource<?> source : sources) {
            for (String name : source.getPropertyNames()) {
                Keys.ofName(name)
                        .filter(key -> key.startsWith(SettingTable.CHANNELS))
                        .ifPresent(key -> channels.add(Keys.channel(key)));
            }
        }
        for (EnumerablePropertySource<?> source : sources) {
            Map<String, Given> found =
                    source instanceof SystemEnvironmentPropertySource ? variables(source, channels) : named(source);
            given.putAll(found);
        }
    }

    private Map<String, Given> named(EnumerablePropertySource<?> source) {
        Map<String, Given> found = new LinkedHashMap<>();
        for (String name : source.getPropertyNames()) {
            if (!name.startsWith(SettingTable.PREFIX)) {
                continue;
            }
            String origin = origin(source, name);
            Optional<String> key = Keys.ofName(name);
            if (key.isEmpty()) {
                problems.add(unknown(name, origin));
                continue;
            }
            value(source, name, key.get(), origin)
                    .ifPresent(value -> found.merge(
                            key.get(), value, name.endsWith("]") ? SettingsSource::joined : (first, next) -> next));
        }
        return found;
    }

    private Map<String, Given> variables(EnumerablePropertySource<?> source, Set<String> channels) {
        Map<String, Given> found = new LinkedHashMap<>();
        Set<String> own = new LinkedHashSet<>();
        for (String name : source.getPropertyNames()) {
            Optional<String> key = Keys.ofVariable(name, channels);
            boolean ours = name.startsWith("OUTBOX_");
            if (key.isPresent()) {
                if (!ours && String.valueOf(source.getProperty(name)).startsWith("tcp://")) {
                    ignoredVariables.add(name); // a Kubernetes service of that name, announced
                    continue;
                }
                boolean hidden = !ours && own.contains(key.get());
                Optional<Given> value = value(source, name, key.get(), "environment variable " + name);
                if (value.isPresent() && !hidden) {
                    found.put(key.get(), value.get());
                    if (ours) {
                        own.add(key.get());
                    }
                }
            } else if (ours) {
                // A cluster's own variables may begin like ours (a Kubernetes service is announced so): only what looks
                // like a slip is refused.
                Optional<String> meant = Keys.nearest(name, VARIABLE_SLIP);
                if (meant.isPresent()) {
                    problems.add(new Problem(
                            name,
                            "environment variable",
                            "is not a setting; did you mean " + Keys.variable(meant.get()) + "?"));
                } else {
                    ignoredVariables.add(name);
                }
            }
        }
        return found;
    }

    /** The elements of a list in YAML come one by one. */
    private static Given joined(Given first, Given next) {
        return new Given(first.key(), first.value() + "," + next.value(), first.origin());
    }

    private static Problem unknown(String name, String origin) {
        String meant = Keys.nearest(name, Math.max(3, name.length() / 4))
                .map(key -> "; did you mean " + key + "?")
                .orElse("; 'outbox config' lists what there is");
        return new Problem(name, origin, "is not a setting" + meant);
    }

    /** Empty for a blank value: that counts as not given. */
    private Optional<Given> value(EnumerablePropertySource<?> source, String name, String key, String origin) {
        Object raw = source.getProperty(name);
        if (raw == null || raw.toString().isBlank()) {
            return Optional.empty();
        }
        try {
            // Only files have placeholders; a password in a variable may look like one.
            String value = source instanceof OriginLookup<?>
                    ? environment.resolveRequiredPlaceholders(raw.toString())
                    : raw.toString();
            return Optional.of(new Given(key, SettingTable.isSecret(key) ? value : value.strip(), origin));
        } catch (IllegalArgumentException e) {
            problems.add(new Problem(
                    key,
                    origin,
                    "has a placeholder that nothing fills in" + (SettingTable.isSecret(key) ? "" : ": " + raw)));
            return Optional.empty();
        }
    }

    private static String origin(EnumerablePropertySource<?> source, String name) {
        if (source instanceof SimpleCommandLinePropertySource) {
            return "argument";
        }
        Origin origin = OriginLookup.getOrigin(source, name);
        if (origin instanceof TextResourceOrigin text) {
            TextResourceOrigin.Location location = text.getLocation();
            return file(text.getResource()) + (location == null ? "" : ":" + (location.getLine() + 1));
        }
        return switch (source.getName()) {
            case StandardEnvironment.SYSTEM_PROPERTIES_PROPERTY_SOURCE_NAME -> "system property";
            case "spring.application.json" -> "SPRING_APPLICATION_JSON";
            default -> source.getName();
        };
    }

    private static String file(@Nullable Resource resource) {
        if (resource == null) {
            return "file";
        }
        try {
            return String.valueOf(resource.getFile());
        } catch (IOException e) {
            return resource.getDescription();
        }
    }

    /** What was given, by key. */
    Map<String, Given> given() {
        return given;
    }

    /** Unknown names, and files that could not be read. */
    List<Problem> problems() {
        return problems;
    }

    /** Variables that look like ours but are not. */
    List<String> ignoredVariables() {
        return ignoredVariables;
    }

    /** Levels of loggers, as Spring has them: {@code logging.level.<logger>}. */
    Map<String, String> logLevels() {
        Map<String, String> levels = new TreeMap<>();
        for (PropertySource<?> source : environment.getPropertySources()) {
            if (source instanceof EnumerablePropertySource<?> enumerable) {
                for (String name : enumerable.getPropertyNames()) {
                    if (name.startsWith("logging.level.")) {
                        levels.putIfAbsent(
                                name.substring("logging.level.".length()), String.valueOf(source.getProperty(name)));
                    }
                }
            }
        }
        return levels;
    }
}
