package dev.outbox.relay.config;

import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations and sizes as people write them: {@code 200ms}, {@code 3d}, {@code 4MB}. */
final class Quantity {

    private static final Pattern NUMBER_AND_UNIT = Pattern.compile("(\\d{1,15})\\s*([a-z]+)");

    private static final Map<String, Duration> TIME_UNITS = Map.of(
            "us", Duration.ofNanos(1000),
            "ms", Duration.ofMillis(1),
            "s", Duration.ofSeconds(1),
            "m", Duration.ofMinutes(1),
            "h", Duration.ofHours(1),
            "d", Duration.ofDays(1));

    /** Powers of 1024, as Spring reads them. */
    private static final Map<String, Long> SIZE_UNITS =
            Map.of("b", 1L, "kb", 1L << 10, "mb", 1L << 20, "gb", 1L << 30, "tb", 1L << 40);

    private static final List<String> SIZE_UNITS_DOWN = List.of("TB", "GB", "MB", "KB");

    private Quantity() {}

    /** A number with a unit, or ISO 8601 such as {@code PT10S}; empty if it is neither, or beyond 292 years. */
    static Optional<Duration> duration(String text) {
        Matcher matcher = NUMBER_AND_UNIT.matcher(text.toLowerCase(Locale.ROOT));
        try {
            Duration duration;
            if (matcher.matches()) {
                Duration unit = TIME_UNITS.get(matcher.group(2));
                if (unit == null) {
                    return Optional.empty();
                }
                duration = unit.multipliedBy(Long.parseLong(matcher.group(1)));
            } else {
                duration = Duration.parse(text);
            }
            boolean negative = duration.toNanos() < 0; // throws beyond what a long holds
            return negative ? Optional.empty() : Optional.of(duration);
        } catch (DateTimeParseException | ArithmeticException e) {
            return Optional.empty();
        }
    }

    /** Bytes; empty if it is not a number with a unit. */
    static OptionalLong bytes(String text) {
        Matcher matcher = NUMBER_AND_UNIT.matcher(text.toLowerCase(Locale.ROOT));
        if (!matcher.matches()) {
            return OptionalLong.empty();
        }
        Long unit = SIZE_UNITS.get(matcher.group(2));
        try {
            return unit == null
                    ? OptionalLong.empty()
                    : OptionalLong.of(Math.multiplyExact(Long.parseLong(matcher.group(1)), unit));
        } catch (ArithmeticException e) {
            return OptionalLong.empty();
        }
    }

    /** The shortest exact way to write it. */
    static String text(Duration duration) {
        for (String unit : List.of("d", "h", "m", "s", "ms", "us")) {
            long nanos = TIME_UNITS.getOrDefault(unit, Duration.ZERO).toNanos();
            if (!duration.isZero() && duration.toNanos() % nanos == 0) {
                return duration.toNanos() / nanos + unit;
            }
        }
        return duration.isZero() ? "0s" : duration.toString();
    }

    /** The shortest exact way to write it. */
    static String text(long bytes) {
        for (String unit : SIZE_UNITS_DOWN) {
            long size = SIZE_UNITS.getOrDefault(unit.toLowerCase(Locale.ROOT), 1L);
            if (bytes > 0 && bytes % size == 0) {
                return bytes / size + unit;
            }
        }
        return bytes + "B";
    }
}
