package dev.outbox.relay.config;

import java.time.Duration;
import java.time.temporal.ValueRange;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What may be written for a setting.
 *
 * @param kind how the text is read
 * @param least the smallest value, as it is written; empty where there is none
 * @param most the largest value, or for text the longest, as it is written; empty where there is none
 * @param choices the words to choose from; empty where the choice is free
 */
record Type(Kind kind, String least, String most, List<String> choices) {

    private static final Pattern PORT = Pattern.compile(":(\\d+)$");
    private static final ValueRange PORTS = ValueRange.of(1, 65_535);

    /** How a text is read. */
    enum Kind {
        TEXT("text"),
        ADDRESSES("list of host:port"),
        HOSTS("list of hosts"),
        DURATION("duration"),
        SIZE("size"),
        COUNT("number"),
        CHOICE("choice");

        private final String label;

        Kind(String label) {
            this.label = label;
        }
    }

    static Type text(int lengthMax) {
        return new Type(Kind.TEXT, "", String.valueOf(lengthMax), List.of());
    }

    static Type addresses() {
        return new Type(Kind.ADDRESSES, "", "", List.of());
    }

    static Type hosts() {
        return new Type(Kind.HOSTS, "", "", List.of());
    }

    static Type duration(String least, String most) {
        return new Type(Kind.DURATION, least, most, List.of());
    }

    static Type size(String least, String most) {
        return new Type(Kind.SIZE, least, most, List.of());
    }

    static Type count(int least, int most) {
        return new Type(Kind.COUNT, String.valueOf(least), String.valueOf(most), List.of());
    }

    static Type choice(String... words) {
        return new Type(Kind.CHOICE, "", "", List.copyOf(Arrays.asList(words)));
    }

    /** Whether it names servers. */
    boolean isNetwork() {
        return kind == Kind.ADDRESSES || kind == Kind.HOSTS;
    }

    /** The kind, for people. */
    String label() {
        return kind.label;
    }

    /** What is allowed, for people; empty where anything is. */
    String range() {
        return switch (kind) {
            case TEXT -> "up to " + most + " characters";
            case ADDRESSES, HOSTS -> "";
            case DURATION, SIZE, COUNT -> least + " to " + most;
            case CHOICE -> String.join(", ", choices);
        };
    }

    /** What is wrong with a value, and how it should be; empty if nothing is. */
    Optional<String> complaint(String value) {
        return switch (kind) {
            case TEXT ->
                value.length() > Integer.parseInt(most)
                        ? Optional.of("is too long; use at most " + most + " characters")
                        : Optional.empty();
            case ADDRESSES -> addressComplaint(value);
            case HOSTS -> hostComplaint(value);
            case CHOICE ->
                choices.contains(value.toLowerCase(Locale.ROOT))
                        ? Optional.empty()
                        : Optional.of("is none of the choices; use " + String.join(" or ", choices));
            case DURATION, SIZE, COUNT -> measureComplaint(value);
        };
    }

    private Optional<String> measureComplaint(String value) {
        OptionalLong measure = measure(value);
        if (measure.isEmpty()) {
            return Optional.of("is not a " + kind.label + "; " + example() + ", from " + least + " to " + most);
        }
        if (measure.getAsLong() < measure(least).orElseThrow()) {
            return Optional.of("is too small; the least is " + least);
        }
        if (measure.getAsLong() > measure(most).orElseThrow()) {
            return Optional.of("is too large; the most is " + most);
        }
        return Optional.empty();
    }

    private String example() {
        return switch (kind) {
            case DURATION -> "write a number and ms, s, m, h or d, such as 200ms or 3d";
            case SIZE -> "write a number and B, KB, MB, GB or TB, such as 4MB";
            case TEXT, ADDRESSES, HOSTS, COUNT, CHOICE -> "write a whole number";
        };
    }

    private static Optional<String> addressComplaint(String value) {
        for (String address : value.split(",", -1)) {
            if (!address.strip().matches("[^\\s:/]+:\\d{1,5}|\\[[0-9a-fA-F:.%]+]:\\d{1,5}")) {
                return Optional.of("is not a list of addresses, at '" + address.strip()
                        + "'; write host:port, several separated by commas");
            }
        }
        return Optional.empty();
    }

    private static Optional<String> hostComplaint(String value) {
        for (String host : value.split(",", -1)) {
            if (!host.strip().matches("[^\\s:/]+(:\\d{1,5})?|\\[[0-9a-fA-F:.%]+](:\\d{1,5})?")) {
                return Optional.of("is not a list of hosts, at '" + host.strip()
                        + "'; write host or host:port, several separated by commas");
            }
            Matcher port = PORT.matcher(host.strip());
            if (port.find() && !PORTS.isValidIntValue(Long.parseLong(port.group(1)))) {
                return Optional.of("has a port that cannot be, at '" + host.strip() + "'; write one from 1 to 65535");
            }
        }
        return Optional.empty();
    }

    private OptionalLong measure(String value) {
        return switch (kind) {
            case DURATION ->
                Quantity.duration(value)
                        .map(Duration::toNanos)
                        .map(OptionalLong::of)
                        .orElseGet(OptionalLong::empty);
            case SIZE -> Quantity.bytes(value);
            case COUNT, TEXT, ADDRESSES, HOSTS, CHOICE ->
                value.matches("\\d{1,18}") ? OptionalLong.of(Long.parseLong(value)) : OptionalLong.empty();
        };
    }
}
