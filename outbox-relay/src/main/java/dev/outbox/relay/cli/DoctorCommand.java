package dev.outbox.relay.cli;

import dev.outbox.relay.config.RelayConfiguration;
import dev.outbox.relay.doctor.Doctor;
import dev.outbox.relay.doctor.Finding;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code outbox doctor}. */
@Command(
        name = "doctor",
        description = {
            "Looks at everything that a relay works with, a line for each: settings; the database, what is in between,"
                    + " clock, schema, rights, sequences, ring, relays and lanes, traces of a restore or a replication;"
                    + " the brokers and their limits. Changes nothing.",
            "Give it the settings and the role of the relay. Exit code 0 if a relay could work, warnings or not; 1 if"
                    + " not."
        },
        footer = {"", "Examples:", "  outbox doctor", "  outbox doctor --json | jq '.[] | select(.state != \"OK\")'"})
final class DoctorCommand implements Callable<Integer> {

    private static final int STATE_WIDTH = 9;

    @Mixin
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Output output;

    @Override
    public Integer call() {
        Logging.quiet();
        RelayConfiguration configuration = output.main().settings().forRelay();
        List<Finding> findings = Doctor.examine(configuration);
        if (output.json()) {
            Json.print(output.out(), findings);
        } else {
            for (Finding finding : findings) {
                String state = finding.state().toString();
                output.out()
                        .println((output.screen().colour() ? Table.coloured(state) : state)
                                + " ".repeat(STATE_WIDTH - state.length())
                                + String.format(Locale.ROOT, "%-16s ", finding.subject())
                                + Table.harmless(finding.text()));
            }
            output.out().flush();
        }
        return findings.stream().anyMatch(finding -> finding.state() == Finding.State.FAILED)
                ? ExitCode.FAILED
                : ExitCode.OK;
    }
}
