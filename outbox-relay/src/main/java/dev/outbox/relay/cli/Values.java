package dev.outbox.relay.cli;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.TypeConversionException;

/** Values as people write them. */
final class Values {

    private static final Pattern ID = Pattern.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
    private static final Pattern OFFSET = Pattern.compile(".*T.*(Z|[+-]\\d\\d(:?\\d\\d)?)");
    private static final Pattern LANE = Pattern.compile("(.{1,63}?)(?:/(\\d{1,3}))?", Pattern.DOTALL);

    private static final int DATE_LENGTH = 10;
    private static final int SHOWN_MAX = 60;
    private static final int WATCH_SECONDS_MAX = 3600;

    /**
     * A channel, or one lane of it.
     *
     * @param lane null for all of them
     */
    record Lanes(String channel, @Nullable Integer lane) {}

    private Values() {}

    static void register(CommandLine commandLine) {
        commandLine
                .registerConverter(UUID.class, Values::id)
                .registerConverter(Instant.class, Values::time)
                .registerConverter(Lanes.class, Values::lanes)
                .registerConverter(Duration.class, Values::seconds);
    }

    private static UUID id(String text) {
        if (!ID.matcher(text).matches()) {
            throw new TypeConversionException(
                    "not an id: " + shown(text) + "; write a UUID such as 01a20eac-4c12-7000-84e6-b3529acf4664");
        }
        return UUID.fromString(text);
    }

    /** A day, a local time, or a time with its offset. */
    static Instant time(String text) {
        try {
            if (text.length() == DATE_LENGTH) {
                return LocalDate.parse(text)
                        .atStartOfDay(ZoneId.systemDefault())
                        .toInstant();
            }
            return OFFSET.matcher(text).matches()
                    ? OffsetDateTime.parse(text).toInstant()
                    : LocalDateTime.parse(text).atZone(ZoneId.systemDefault()).toInstant();
        } catch (DateTimeException e) {
            throw new TypeConversionException("not a time: " + shown(text)
                    + "; write 2026-01-31, 2026-01-31T10:00:00 (local time) or 2026-01-31T10:00:00Z");
        }
    }

    private static Lanes lanes(String text) {
        Matcher matcher = LANE.matcher(text);
        if (!matcher.matches()) {
            throw new TypeConversionException(
                    "not a channel: " + shown(text) + "; write CHANNEL or CHANNEL/LANE, such as default/0");
        }
        String lane = matcher.group(2);
        return new Lanes(matcher.group(1), lane == null ? null : Integer.valueOf(lane));
    }

    private static Duration seconds(String text) {
        if (!text.matches("\\d{1,4}") || Integer.parseInt(text) < 1 || Integer.parseInt(text) > WATCH_SECONDS_MAX) {
            throw new TypeConversionException(
                    "not a number of seconds: " + shown(text) + "; write 1 to " + WATCH_SECONDS_MAX);
        }
        return Duration.ofSeconds(Integer.parseInt(text));
    }

    private static String shown(String text) {
        String harmless = Table.harmless(text);
        return "'" + (harmless.length() <= SHOWN_MAX ? harmless : harmless.substring(0, SHOWN_MAX) + "…") + "'";
    }
}
