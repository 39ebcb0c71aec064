package dev.outbox.relay.cli;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Rows for people: columns in line, wide text cut, states coloured. Keys and errors are somebody else's words, so that
 * control characters in them never reach the terminal.
 */
final class Table<R> {

    private static final String GAP = "  ";
    private static final String NOTHING = "-";

    /** What is left of the last column on a narrow screen. */
    private static final int LAST_LEAST = 16;

    private static final String GREEN = "32";
    private static final String YELLOW = "33";
    private static final String RED = "31";

    private static final Map<String, String> COLOURS = Map.ofEntries(
            Map.entry("RUNNING", GREEN),
            Map.entry("PUBLISHED", GREEN),
            Map.entry("DONE", GREEN),
            Map.entry("OK", GREEN),
            Map.entry("PAUSED", YELLOW),
            Map.entry("WAITING", YELLOW),
            Map.entry("RETRYING", YELLOW),
            Map.entry("HELD", YELLOW),
            Map.entry("WARNING", YELLOW),
            Map.entry("TROUBLED", RED),
            Map.entry("NO OWNER", RED),
            Map.entry("NO LANES", RED),
            Map.entry("DEAD", RED),
            Map.entry("FAILED", RED));

    private static final DateTimeFormatter TIME = new DateTimeFormatterBuilder()
            .appendPattern("uuuu-MM-dd'T'HH:mm:ss.SSSXXX")
            .toFormatter(Locale.ROOT);

    private record Column<R>(
            String title, int widthMax, boolean number, Function<R, ? extends @Nullable Object> value) {}

    private final List<Column<R>> columns = new ArrayList<>();

    /** A column whose values are never cut: states, times, ids. */
    Table<R> whole(String title, Function<R, ? extends @Nullable Object> value) {
        columns.add(new Column<>(title, Integer.MAX_VALUE, false, value));
        return this;
    }

    /** A column of text that is cut at a width. */
    Table<R> cut(String title, int widthMax, Function<R, ? extends @Nullable Object> value) {
        columns.add(new Column<>(title, widthMax, false, value));
        return this;
    }

    /** A column of numbers, to the right. */
    Table<R> number(String title, Function<R, ? extends @Nullable Object> value) {
        columns.add(new Column<>(title, Integer.MAX_VALUE, true, value));
        return this;
    }

    /** The lines: titles, then a line for each row. */
    List<String> lines(List<R> rows, Screen screen) {
        List<List<String>> cells = new ArrayList<>();
        cells.add(columns.stream().map(Column::title).toList());
        for (R row : rows) {
            cells.add(columns.stream()
                    .map(column -> cut(text(column.value().apply(row)), column.widthMax()))
                    .toList());
        }
        int[] widths = widths(cells, screen);
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < cells.size(); i++) {
            lines.add(line(cells.get(i), widths, screen.colour() && i > 0));
        }
        return lines;
    }

    private int[] widths(List<List<String>> cells, Screen screen) {
        int[] widths = new int[columns.size()];
        int total = -GAP.length();
        for (int i = 0; i < widths.length; i++) {
            for (List<String> row : cells) {
                widths[i] = Math.max(widths[i], width(row.get(i)));
            }
            total += widths[i] + GAP.length();
        }
        int last = widths.length - 1;
        if (screen.columns().isPresent() && columns.get(last).widthMax() < Integer.MAX_VALUE) {
            int spare = screen.columns().getAsInt() - (total - widths[last]);
            widths[last] = Math.min(widths[last], Math.max(spare, LAST_LEAST));
        }
        return widths;
    }

    private String line(List<String> row, int[] widths, boolean colour) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            String cell = cut(row.get(i), widths[i]);
            String padding = " ".repeat(widths[i] - width(cell));
            String shown = colour ? coloured(cell) : cell;
            line.append(i == 0 ? "" : GAP).append(columns.get(i).number() ? padding + shown : shown + padding);
        }
        return line.toString().stripTrailing();
    }

    private static int width(String text) {
        return text.codePointCount(0, text.length());
    }

    private static String cut(String text, int widthMax) {
        return width(text) <= widthMax ? text : text.substring(0, text.offsetByCodePoints(0, widthMax - 1)) + "…";
    }

    /** A state in its colour; anything else as it is. */
    static String coloured(String text) {
        String colour = COLOURS.get(text);
        return colour == null ? text : "\u001b[" + colour + "m" + text + "\u001b[0m";
    }

    /** A value for people, in one line. */
    static String text(@Nullable Object value) {
        if (value == null) {
            return NOTHING;
        }
        if (value instanceof Instant time) {
            return TIME.format(time.atZone(ZoneId.systemDefault()));
        }
        if (value instanceof Duration length) {
            return length(length);
        }
        return harmless(value.toString());
    }

    /** Without characters that a terminal would obey. */
    static String harmless(String text) {
        StringBuilder harmless = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            int type = Character.getType(c);
            boolean obeyed = type == Character.CONTROL
                    || type == Character.FORMAT
                    || type == Character.LINE_SEPARATOR
                    || type == Character.PARAGRAPH_SEPARATOR;
            harmless.appendCodePoint(obeyed ? (c == '\n' || c == '\t' ? ' ' : '?') : c);
        });
        return harmless.toString();
    }

    /** The two largest units: {@code 3d 4h}, {@code 12m 3s}; below a minute, {@code 4.2s}. */
    private static String length(Duration length) {
        if (length.isNegative()) {
            return "0.0s";
        }
        if (length.toDays() > 0) {
            return length.toDays() + "d " + length.toHoursPart() + "h";
        }
        if (length.toHours() > 0) {
            return length.toHours() + "h " + length.toMinutesPart() + "m";
        }
        if (length.toMinutes() > 0) {
            return length.toMinutes() + "m " + length.toSecondsPart() + "s";
        }
        return length.toSeconds() + "." + length.toMillisPart() / 100 + "s";
    }
}
