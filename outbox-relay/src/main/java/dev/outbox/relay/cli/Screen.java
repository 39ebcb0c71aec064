package dev.outbox.relay.cli;

import java.io.Console;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Where text for people goes.
 *
 * @param terminal whether it is a terminal, where lines can be drawn anew
 * @param colour whether states are coloured
 * @param columns how wide it is, where that is known
 */
record Screen(boolean terminal, boolean colour, OptionalInt columns) {

    /** A file or a pipe. */
    static final Screen NONE = new Screen(false, false, OptionalInt.empty());

    private static final int COLUMNS_LEAST = 40;

    /** Where this process writes to. */
    static Screen here() {
        if (!isTerminal()) {
            return NONE;
        }
        boolean plain = Optional.ofNullable(System.getenv("NO_COLOR")).stream().anyMatch(value -> !value.isEmpty())
                || "dumb".equals(System.getenv("TERM"));
        return new Screen(true, !plain, columns(System.getenv("COLUMNS")));
    }

    /** Since Java 22 there may be a console without a terminal. */
    @SuppressWarnings("SystemConsoleNull") // asked further, where there is more to ask
    private static boolean isTerminal() {
        Console console = System.console();
        if (console == null) {
            return false;
        }
        try {
            return (Boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (NoSuchMethodException e) {
            return true;
        } catch (ReflectiveOperationException e) {
            return false;
        }
    }

    private static OptionalInt columns(@Nullable String given) {
        return given != null && given.matches("\\d{2,4}")
                ? OptionalInt.of(Math.max(COLUMNS_LEAST, Integer.parseInt(given)))
                : OptionalInt.empty();
    }
}
