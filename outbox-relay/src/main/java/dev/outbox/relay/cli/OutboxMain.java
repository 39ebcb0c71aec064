package dev.outbox.relay.cli;

import dev.outbox.relay.ForeignPositionException;
import dev.outbox.relay.Relay;
import dev.outbox.relay.RelayException;
import dev.outbox.relay.config.InvalidSettingsException;
import dev.outbox.relay.config.Settings;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/**
 * The command {@code outbox}: runs the relay and operates it.
 *
 * <p>Arguments of the form {@code --outbox.key=value} are settings and may stand anywhere. Exit codes: 0 done or stopped
 * as asked; 2 wrong arguments or settings; 3 an operator is needed; 1 anything else.
 *
 * <pre>{@code
 * java -jar outbox-relay-0.1.0-exec.jar run --outbox.database.url=jdbc:postgresql://localhost/shop ...
 * }</pre>
 */
@Command(
        name = "outbox",
        mixinStandardHelpOptions = true,
        versionProvider = OutboxMain.Version.class,
        scope = ScopeType.INHERIT,
        subcommands = {
            RunCommand.class,
            CheckCommand.class,
            MigrateCommand.class,
            ConfigCommand.class,
            RebaseCommand.class
        },
        description = "Publishes what services appended to their outbox in PostgreSQL.",
        footer = {
            "",
            "Settings are given as --outbox.KEY=VALUE, in environment variables such as",
            "OUTBOX_DATABASE_URL, or in application.properties or application.yml in the",
            "working directory; 'outbox config' lists them.",
            "",
            "Exit codes: 0 done or stopped as asked, 2 wrong arguments or settings,",
            "3 an operator is needed, 1 anything else."
        })
public final class OutboxMain implements Callable<Integer> {

    private final List<String> settingArguments;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            scope = ScopeType.INHERIT,
            description = "A file of settings, above those in the working directory.")
    private @Nullable String config;

    private OutboxMain(List<String> settingArguments) {
        this.settingArguments = settingArguments;
    }

    /** Runs one command and ends the process with its exit code. */
    public static void main(String[] arguments) {
        Logging.start();
        System.exit(execute(arguments));
    }

    /** Runs one command in this process; without one, {@code run}. */
    static int execute(String... arguments) {
        List<String> settings = new ArrayList<>();
        List<String> others = new ArrayList<>();
        for (String argument : arguments) {
            boolean setting = argument.startsWith("--outbox.")
                    || argument.startsWith("--spring.")
                    || argument.startsWith("--logging.level.");
            (setting ? settings : others).add(argument);
        }
        return new CommandLine(new OutboxMain(settings))
                .setExecutionExceptionHandler((failure, commandLine, parsed) -> report(failure, commandLine))
                .execute(others.toArray(String[]::new));
    }

    @Override
    public Integer call() {
        return RunCommand.run(settings());
    }

    /** What was given by arguments, environment and files, unchecked. */
    Settings settings() {
        Settings settings = Settings.load(settingArguments, Optional.ofNullable(config));
        Logging.apply(settings.logLevels());
        return settings;
    }

    private static int report(Exception failure, CommandLine commandLine) throws Exception {
        int code;
        if (failure instanceof InvalidSettingsException) {
            code = ExitCode.WRONG_SETTINGS;
        } else if (failure instanceof ForeignPositionException) {
            code = ExitCode.OPERATOR_NEEDED;
        } else if (failure instanceof RelayException || failure instanceof SQLException) {
            code = ExitCode.FAILED;
        } else {
            throw failure;
        }
        commandLine
                .getErr()
                .println(failure instanceof InvalidSettingsException ? failure.getMessage() : message(failure));
        return code;
    }

    /** The failure and what led to it, in one line; of a text with many lines the first says it. */
    static String message(Throwable failure) {
        StringBuilder text = new StringBuilder();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            String first =
                    String.valueOf(cause.getMessage()).lines().findFirst().orElse("");
            if (text.indexOf(first) < 0) {
                text.append(text.length() == 0 ? "" : "; ").append(first);
            }
        }
        return text.toString();
    }

    /** What {@code --version} prints. */
    static final class Version implements CommandLine.IVersionProvider {

        @Override
        public String[] getVersion() {
            return new String[] {"outbox " + Relay.version() + ", Java " + System.getProperty("java.version")};
        }
    }
}
