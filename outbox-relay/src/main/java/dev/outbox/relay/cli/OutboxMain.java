package dev.outbox.relay.cli;

import dev.outbox.relay.ForeignPositionException;
import dev.outbox.relay.Relay;
import dev.outbox.relay.RelayException;
import dev.outbox.relay.config.InvalidSettingsException;
import dev.outbox.relay.config.Settings;
import dev.outbox.relay.ops.OperationRefusedException;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command {@code outbox}: runs the relay and operates it.
 *
 * <p>Arguments of the form {@code --outbox.key=value} are settings and may stand anywhere. Exit codes: 0 done or stopped
 * as asked; 2 wrong arguments or settings; 3 an operator is needed; 4 refused, nothing was changed; 1 anything else.
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
        description = "Publishes what services appended to their outbox in PostgreSQL.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            " 0:done, or stopped as asked",
            " 1:failed; trying again may help",
            " 2:wrong arguments or settings, nothing was started",
            " 3:an operator is needed, trying again does not help",
            " 4:refused, nothing was changed"
        },
        footer = {
            "",
            "Settings are given as --outbox.KEY=VALUE, in environment variables such as",
            "OUTBOX_DATABASE_URL, or in application.properties or application.yml in the",
            "working directory; 'outbox config' lists them.",
            "",
            "Examples:",
            "  outbox status --watch",
            "  outbox why 01a20eac-4c12-7000-84e6-b3529acf4664"
        })
public final class OutboxMain implements Callable<Integer> {

    private static final Map<String, String> COMMANDS = Map.of(
            "why_stuck", "'outbox why'",
            "message_status", "'outbox show'",
            "find_messages", "'outbox messages'",
            "cancel_replay", "'outbox cancel-replay'",
            "max_rows", "--max");

    private final List<String> settingArguments;
    private final Screen screen;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            scope = ScopeType.INHERIT,
            description = "A file of settings, above those in the working directory.")
    private @Nullable String config;

    private OutboxMain(List<String> settingArguments, Screen screen) {
        this.settingArguments = settingArguments;
        this.screen = screen;
    }

    /** Runs one command and ends the process with its exit code. */
    public static void main(String[] arguments) {
        Logging.start();
        Charset charset =
                Charset.forName(System.getProperty("stdout.encoding", System.getProperty("native.encoding", "UTF-8")));
        System.exit(execute(
                new PrintWriter(System.out, true, charset),
                new PrintWriter(System.err, true, charset),
                Screen.here(),
                arguments));
    }

    /** Runs one command in this process; without one, {@code run}. */
    static int execute(PrintWriter out, PrintWriter err, Screen screen, String... arguments) {
        List<String> settings = new ArrayList<>();
        List<String> others = new ArrayList<>();
        for (String argument : arguments) {
            boolean setting = argument.startsWith("--outbox.")
                    || argument.startsWith("--spring.")
                    || argument.startsWith("--logging.level.");
            (setting ? settings : others).add(argument);
        }
        CommandLine commandLine = new CommandLine(new OutboxMain(settings, screen));
        Commands.add(commandLine, others);
        Values.register(commandLine);
        return commandLine
                .setExpandAtFiles(false) // @mary is a word and not the name of a file
                .setOut(out)
                .setErr(err)
                .setParameterExceptionHandler((failure, given) -> complain(failure))
                .setExecutionExceptionHandler((failure, failed, parsed) -> report(failure, failed))
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

    Screen screen() {
        return screen;
    }

    /** In one line, with where to read on. */
    private static int complain(ParameterException failure) {
        CommandLine commandLine = failure.getCommandLine();
        String meant = failure instanceof UnmatchedArgumentException unmatched
                        && !unmatched.getSuggestions().isEmpty()
                ? "; did you mean " + unmatched.getSuggestions().get(0) + "?"
                : "";
        commandLine
                .getErr()
                .println(Table.harmless(String.valueOf(failure.getMessage())) + meant + "; see '"
                        + commandLine.getCommandSpec().qualifiedName() + " --help'");
        return ExitCode.WRONG_SETTINGS;
    }

    private static int report(Exception failure, CommandLine commandLine) throws Exception {
        int code;
        if (failure instanceof InvalidSettingsException) {
            code = ExitCode.WRONG_SETTINGS;
        } else if (failure instanceof ForeignPositionException) {
            code = ExitCode.OPERATOR_NEEDED;
        } else if (failure instanceof OperationRefusedException refused) {
            code = refused.reason() == OperationRefusedException.Reason.BAD_ARGUMENT
                    ? ExitCode.WRONG_SETTINGS
                    : ExitCode.REFUSED;
        } else if (failure instanceof RelayException || failure instanceof SQLException) {
            code = ExitCode.FAILED;
        } else {
            throw failure;
        }
        commandLine
                .getErr()
                .println(
                        failure instanceof InvalidSettingsException
                                ? failure.getMessage()
                                : Table.harmless(inOurWords(RelayException.inOneLine(failure))));
        return code;
    }

    /** What the database advises in SQL, as commands and options. */
    private static String inOurWords(String text) {
        String words = text;
        for (Map.Entry<String, String> each : COMMANDS.entrySet()) {
            words = words.replace(each.getKey(), each.getValue());
        }
        return words;
    }

    /** What {@code --version} prints. */
    static final class Version implements CommandLine.IVersionProvider {

        @Override
        public String[] getVersion() {
            return new String[] {"outbox " + Relay.version() + ", Java " + System.getProperty("java.version")};
        }
    }
}
