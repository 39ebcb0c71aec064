package dev.outbox.relay.cli;

import dev.outbox.relay.ops.Operations;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What all operations share: the way to the outbox, and the form of what they print. */
final class Output {

    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Option(
            names = "--json",
            description = "For scripts: an array of objects, and nothing else on standard output. Times are UTC, ages"
                    + " seconds.")
    private boolean json;

    boolean json() {
        return json;
    }

    OutboxMain main() {
        return (OutboxMain) spec.root().userObject();
    }

    Screen screen() {
        return main().screen();
    }

    PrintWriter out() {
        return spec.commandLine().getOut();
    }

    PrintWriter err() {
        return spec.commandLine().getErr();
    }

    Operations operations() {
        return operations(ownName());
    }

    Operations operations(String actor) {
        Logging.none();
        try {
            return Operations.of(main().settings().forDatabase(), actor);
        } catch (IllegalArgumentException e) {
            throw wrong(String.valueOf(e.getMessage()));
        }
    }

    /** An error of arguments. */
    ParameterException wrong(String text) {
        return new ParameterException(spec.commandLine(), text);
    }

    /** Checks a number of rows. */
    int rows(int max, int most) {
        if (max < 1 || max > most) {
            throw wrong("Invalid value for option '--max': " + max + "; give 1 to " + most);
        }
        return max;
    }

    /**
     * Prints rows and how many there are.
     *
     * @param what what a row is, and what several are
     */
    <R extends Record> void print(List<R> rows, Table<R> table, String what) {
        if (json) {
            Json.print(out(), rows);
            return;
        }
        if (!rows.isEmpty()) {
            table.lines(rows, screen()).forEach(out()::println);
        }
        out().println(count(rows.size(), what));
        out().flush();
    }

    /** {@code 1 message}, {@code 2 messages}. */
    static String count(long number, String what) {
        return number + " " + (number == 1 ? what : what + "s");
    }

    /** Who is at this machine, for {@code audit}. */
    static String ownName() {
        String name = System.getProperty("user.name", "?") + "@" + host();
        int end = name.length();
        while (name.substring(0, end).getBytes(StandardCharsets.UTF_8).length > Operations.ACTOR_BYTES_MAX) {
            end--;
        }
        return name.substring(0, end);
    }

    /** The shell knows it at once; the name service may be slow. */
    private static String host() {
        String given = System.getenv("HOSTNAME");
        if (given != null && !given.isBlank()) {
            return given;
        }
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "?";
        }
    }
}
