package dev.outbox.relay.cli;

import dev.outbox.relay.config.RelayConfiguration;
import dev.outbox.relay.doctor.Doctor;
import dev.outbox.relay.doctor.Finding;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code outbox check}. */
@Command(
        name = "check",
        description = "Checks the settings, then whether the database and the broker will do, a line for each."
                + " Changes nothing. Exit code 0 if a relay could start, 2 for the settings, 1 for the rest.")
final class CheckCommand implements Callable<Integer> {

    @ParentCommand
    @SuppressWarnings("NullAway.Init") // set by picocli
    private OutboxMain main;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public Integer call() {
        Logging.quiet();
        RelayConfiguration configuration = main.settings().forRelay();
        List<Finding> findings = Doctor.examine(configuration);
        PrintWriter out = spec.commandLine().getOut();
        for (Finding finding : findings) {
            out.printf(Locale.ROOT, "%-8s %-16s %s%n", finding.state(), finding.subject(), finding.text());
        }
        out.flush();
        return findings.stream().anyMatch(finding -> finding.state() == Finding.State.FAILED)
                ? ExitCode.FAILED
                : ExitCode.OK;
    }
}
