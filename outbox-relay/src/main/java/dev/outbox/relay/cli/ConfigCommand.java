package dev.outbox.relay.cli;

import dev.outbox.relay.config.InvalidSettingsException;
import dev.outbox.relay.config.Settings;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code outbox config}. */
@Command(
        name = "config",
        description = "Prints every setting: its value and where that came from, its default and range, what it does."
                + " Secrets are hidden.",
        footer = {"", "Examples:", "  outbox config", "  outbox config --config /etc/outbox/relay.yml"})
final class ConfigCommand implements Callable<Integer> {

    @ParentCommand
    @SuppressWarnings("NullAway.Init") // set by picocli
    private OutboxMain main;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public Integer call() {
        Settings settings = main.settings();
        PrintWriter out = spec.commandLine().getOut();
        for (Settings.Line line : settings.lines()) {
            out.println(line.key() + "=" + line.value());
            out.println("    from: " + line.origin());
            if (!line.usual().isEmpty()) {
                out.println("    default: " + line.usual());
            }
            if (!line.range().isEmpty()) {
                out.println("    range: " + line.range());
            }
            out.println("    " + line.description());
        }
        out.flush();
        try {
            settings.forRelay();
            return ExitCode.OK;
        } catch (InvalidSettingsException e) {
            PrintWriter err = spec.commandLine().getErr();
            err.println(e.getMessage());
            err.flush();
            return ExitCode.WRONG_SETTINGS;
        }
    }
}
