package dev.outbox.relay.config;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** From a name as somebody wrote it to the key in the table's spelling, as forgiving as Spring's relaxed binding. */
final class Keys {

    private static final String VARIABLE_PREFIX = "OUTBOX_";

    /** The number of a route, and the name of one of its settings. */
    private static final Pattern ROUTE = Pattern.compile("(\\d{1,4})\\.([^.]+)");

    private Keys() {}

    /** The key that a name in a file, an argument or a system property means; empty if there is none. */
    static Optional<String> ofName(String name) {
        String dotted = name.replaceAll("\\[([^\\]]+)\\]", ".$1").replace("..", ".");
        if (startsWithUniform(dotted, SettingTable.KAFKA_PROPERTIES)) {
            return Optional.of(SettingTable.KAFKA_PROPERTIES + afterParts(dotted, 3));
        }
        if (startsWithUniform(dotted, SettingTable.CHANNELS)) {
            String rest = afterParts(dotted, 2);
            int last = rest.lastIndexOf('.');
            return last <= 0
                    ? Optional.empty()
                    : channelSetting(rest.substring(last + 1))
                            .map(setting -> SettingTable.CHANNELS + rest.substring(0, last) + "." + setting);
        }
        if (startsWithUniform(dotted, SettingTable.RABBIT_ROUTES)) {
            Matcher route = ROUTE.matcher(afterParts(dotted, 3));
            return route.matches() ? routeSetting(route) : Optional.empty();
        }
        String single = dotted.replaceAll("\\.\\d+$", ""); // an element of a list
        return SettingTable.SINGLE.stream()
                .filter(setting -> uniform(setting.key()).equals(uniform(single)))
                .filter(setting -> single.equals(dotted) || isList(setting))
                .map(Setting::key)
                .findFirst();
    }

    /**
     * The key that an environment variable means; empty if there is none.
     *
     * @param channels names of channels that are given elsewhere; a variable cannot tell '-' from '_' or '.'
     */
    static Optional<String> ofVariable(String variable, Collection<String> channels) {
        String other = SettingTable.OTHER_VARIABLES.get(variable);
        if (other != null) {
            return Optional.of(other);
        }
        if (!variable.startsWith(VARIABLE_PREFIX)) {
            return Optional.empty();
        }
        String squeezed = squeeze(variable);
        String properties = variable(SettingTable.KAFKA_PROPERTIES);
        if (variable.startsWith(properties) && variable.length() > properties.length()) {
            return Optional.of(SettingTable.KAFKA_PROPERTIES
                    + variable.substring(properties.length())
                            .toLowerCase(Locale.ROOT)
                            .replace('_', '.'));
        }
        if (variable.startsWith(variable(SettingTable.CHANNELS))) {
            return ofChannelVariable(
                    variable.substring(variable(SettingTable.CHANNELS).length()), channels);
        }
        String routes = variable(SettingTable.RABBIT_ROUTES);
        if (variable.startsWith(routes)) {
            Matcher route = ROUTE.matcher(variable.substring(routes.length()).replaceFirst("_", "."));
            return route.matches() ? routeSetting(route) : Optional.empty();
        }
        return SettingTable.SINGLE.stream()
                .map(Setting::key)
                .filter(key -> squeeze(key).equals(squeezed))
                .findFirst();
    }

    private static Optional<String> ofChannelVariable(String rest, Collection<String> channels) {
        for (Setting setting : SettingTable.CHANNEL) {
            for (String suffix :
                    List.of(setting.key().replace("-", "_"), setting.key().replace("-", ""))) {
                String ending = "_" + suffix.toUpperCase(Locale.ROOT);
                if (rest.endsWith(ending) && rest.length() > ending.length()) {
                    String name = rest.substring(0, rest.length() - ending.length());
                    String channel = channels.stream()
                            .filter(given -> squeeze(given).equals(squeeze(name)))
                            .findFirst()
                            .orElseGet(() -> name.toLowerCase(Locale.ROOT).replace('_', '-'));
                    return Optional.of(SettingTable.CHANNELS + channel + "." + setting.key());
                }
            }
        }
        return Optional.empty();
    }

    private static Optional<String> routeSetting(Matcher route) {
        return SettingTable.ROUTE.stream()
                .map(Setting::key)
                .filter(key -> uniform(key).equals(uniform(route.group(2))))
                .map(key -> SettingTable.RABBIT_ROUTES + Integer.parseInt(route.group(1)) + "." + key)
                .findFirst();
    }

    /** The number of the route in a key of a route's setting. */
    static int route(String key) {
        return Integer.parseInt(key.substring(SettingTable.RABBIT_ROUTES.length(), key.lastIndexOf('.')));
    }

    private static boolean isList(Setting setting) {
        return setting.type().kind() == Type.Kind.ADDRESSES || setting.type().kind() == Type.Kind.HOSTS;
    }

    /** The variable that sets a key, for people. */
    static String variable(String key) {
        return key.toUpperCase(Locale.ROOT).replace("-", "").replace('.', '_');
    }

    /** The channel in a key of a channel's setting. */
    static String channel(String key) {
        return key.substring(SettingTable.CHANNELS.length(), key.lastIndexOf('.'));
    }

    /** The known key that is written most like this, if one is near. */
    static Optional<String> nearest(String name, int distanceMax) {
        List<String> known = new ArrayList<>();
        SettingTable.SINGLE.forEach(setting -> known.add(setting.key()));
        String[] parts = name.split("\\.", -1);
        String channel = parts.length > 2 ? parts[2] : "<name>";
        SettingTable.CHANNEL.forEach(setting -> known.add(SettingTable.CHANNELS + channel + "." + setting.key()));
        String number = name.replaceAll("\\D+", "");
        SettingTable.ROUTE.forEach(setting -> known.add(SettingTable.RABBIT_ROUTES + number + "." + setting.key()));
        return nearest(name, known, distanceMax);
    }

    /** The text among these that is written most like this one, if one is near; case and punctuation do not count. */
    static Optional<String> nearest(String name, Collection<String> known, int distanceMax) {
        String squeezed = squeeze(name);
        String best = "";
        int least = distanceMax + 1;
        for (String candidate : known) {
            int distance = distance(squeezed, squeeze(candidate));
            if (distance < least) {
                least = distance;
                best = candidate;
            }
        }
        return least <= distanceMax ? Optional.of(best) : Optional.empty();
    }

    private static Optional<String> channelSetting(String last) {
        return SettingTable.CHANNEL.stream()
                .map(Setting::key)
                .filter(key -> uniform(key).equals(uniform(last)))
                .findFirst();
    }

    private static boolean startsWithUniform(String name, String prefix) {
        int parts = prefix.split("\\.").length;
        String[] given = name.split("\\.", parts + 1);
        return given.length > parts
                && uniform(String.join(".", List.of(given).subList(0, parts)) + ".")
                        .equals(uniform(prefix));
    }

    private static String afterParts(String name, int parts) {
        return name.split("\\.", parts + 1)[parts];
    }

    private static String uniform(String name) {
        return name.toLowerCase(Locale.ROOT).replace("-", "").replace("_", "");
    }

    private static String squeeze(String name) {
        return uniform(name).replace(".", "");
    }

    /** How many letters have to be put in, left out, changed or swapped with their neighbour (optimal string alignment). */
    private static int distance(String a, String b) {
        int[][] d = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    d[i][j] = i + j;
                    continue;
                }
                int change = d[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                d[i][j] = Math.min(change, 1 + Math.min(d[i - 1][j], d[i][j - 1]));
                boolean swapped =
                        i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1);
                if (swapped) {
                    d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
                }
            }
        }
        return d[a.length()][b.length()];
    }
}
