package dev.outbox.relay.cli;

import dev.outbox.relay.Relay;
import dev.outbox.relay.config.RelayConfiguration;
import dev.outbox.relay.config.Settings;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** {@code outbox run}. */
@Command(
        name = "run",
        description =
                "Runs the relay until it is told to stop (SIGTERM or SIGINT). What runs when no command is given.",
        footer = {
            "",
            "Examples:",
            "  outbox run --config /etc/outbox/relay.yml",
            "  outbox run --outbox.relay.name=relay-1 --outbox.relay.lease=5s"
        })
final class RunCommand implements Callable<Integer> {

    @ParentCommand
    @SuppressWarnings("NullAway.Init") // set by picocli
    private OutboxMain main;

    @Override
    public Integer call() {
        return run(main.settings());
    }

    static int run(Settings settings) {
        RelayConfiguration configuration = settings.forRelay();
        Logger log = LoggerFactory.getLogger(Relay.class);
        if (!settings.ignoredVariables().isEmpty()) {
            log.warn("Environment variables are not settings, ignored: names={}", settings.ignoredVariables());
        }
        return new RelayProcess(configuration, log).run();
    }
}
