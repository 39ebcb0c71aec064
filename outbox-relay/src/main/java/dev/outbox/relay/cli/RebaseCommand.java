package dev.outbox.relay.cli;

import dev.outbox.relay.Database;
import dev.outbox.relay.ops.Rebase;
import java.io.PrintWriter;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code outbox rebase}. */
@Command(
        name = "rebase",
        description = {
            "Makes the saved positions valid again after the database was restored, copied or upgraded: what the relay"
                    + " names when it stops with exit code 3.",
            "Stop all relays first. Messages that may not have been published are appended again with the same ids, the"
                    + " others are thrown away, and every channel begins a new generation. Some messages may be published"
                    + " twice, none is lost. Services wait while it works.",
            "Needs the owner of the tables: give it with --outbox.database.user."
        },
        footer = {
            "",
            "Examples:",
            "  outbox rebase --reason 'restored the dump of Monday' --dry-run",
            "  outbox rebase --keep-position --reason 'pg_upgrade to 18'"
        })
final class RebaseCommand implements Callable<Integer> {

    @ParentCommand
    @SuppressWarnings("NullAway.Init") // set by picocli
    private OutboxMain main;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Option(
            names = "--keep-position",
            description = "Go on from the saved position and publish nothing twice: after pg_upgrade, which keeps"
                    + " transaction ids. Refused where they cannot have been kept.")
    private boolean keepPosition;

    @Option(
            names = "--since",
            paramLabel = "TIME|all",
            description =
                    "Publish again what happened since then, such as 2026-01-31, 2026-01-31T10:00:00 (local time) or"
                            + " 2026-01-31T10:00:00Z. Default: an hour before the last checkpoint. What is not published is kept"
                            + " in any case.")
    private @Nullable String since;

    @Option(names = "--dry-run", description = "Tell what it would do, and change nothing.")
    private boolean dryRun;

    @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "Why, for those who look later.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private String reason;

    @Override
    public Integer call() {
        Rebase.Request request = request();
        Database database = main.settings().forDatabase();
        Rebase.Result result = Rebase.run(database, request);
        PrintWriter out = spec.commandLine().getOut();
        out.println(request.dryRun() ? "Dry run, nothing was changed. It would be:" : "Outbox was rebased:");
        if (request.keepPosition()) {
            out.println("  position kept, lanes with a new checkpoint: " + result.lanes());
        } else {
            out.println("  messages kept, to be published (again): " + result.kept());
            print(out, result, true);
            out.println("  messages dropped: " + result.dropped());
            print(out, result, false);
        }
        new TreeMap<>(result.generations())
                .forEach((channel, generation) -> out.println("  channel " + channel + ": generation " + generation));
        if (!request.dryRun()) {
            out.println("Relays may be started.");
        }
        out.flush();
        return ExitCode.OK;
    }

    private static void print(PrintWriter out, Rebase.Result result, boolean kept) {
        new TreeMap<>(result.messages()).forEach((fate, count) -> {
            if (fate.kept() == kept) {
                out.println("    " + count + " " + fate.why());
            }
        });
    }

    private Rebase.Request request() {
        try {
            Rebase.Request request = Rebase.Request.of(reason);
            request = since == null
                    ? request
                    : request.publishingSince(since.equals("all") ? Rebase.Request.ALL : Values.time(since));
            request = keepPosition ? request.keepingPosition() : request;
            return dryRun ? request.asDryRun() : request;
        } catch (TypeConversionException e) {
            throw new ParameterException(
                    spec.commandLine(), "Invalid value for option '--since': " + e.getMessage() + ", or all", e);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }
}
