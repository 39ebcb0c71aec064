package dev.outbox.relay.cli;

import dev.outbox.relay.ops.Operations;
import dev.outbox.relay.ops.Operations.Intent;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What everything shares that changes something. */
final class ChangeOptions {

    @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "Why, for those who look later.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private String reason;

    @Option(names = "--dry-run", description = "Tell what it would do, and change nothing.")
    private boolean dryRun;

    @Option(
            names = "--actor",
            paramLabel = "NAME",
            description = "Who asks for it, as it is written down beside the role. Default: user and host.")
    private @Nullable String actor;

    Operations operations(Output output) {
        return output.operations(actor == null ? Output.ownName() : actor);
    }

    Intent intent(Output output) {
        try {
            return new Intent(reason, dryRun);
        } catch (IllegalArgumentException e) {
            throw output.wrong("Invalid value for option '--reason': " + e.getMessage());
        }
    }

    /** Tells what was done, or would be, and how to look at it. */
    void print(Output output, Record result, String done, String would, String next) {
        if (output.json()) {
            Json.print(output.out(), List.of(result));
        } else if (dryRun) {
            output.out().println("Dry run, nothing was changed: " + would);
        } else {
            output.out().println(done);
            output.out().println("Look at it with: " + next);
        }
        output.out().flush();
    }
}
