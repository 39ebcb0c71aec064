package dev.outbox.relay.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/**
 * The commands, in the order in which help names them. Making one takes much reflection, and making them all half as long as
 * a look at the database does, so only the one that is asked for is made.
 */
final class Commands {

    private static final Map<String, Supplier<Object>> COMMANDS = new LinkedHashMap<>();

    static {
        COMMANDS.put("run", RunCommand::new);
        COMMANDS.put("status", StatusCommand::new);
        function("lag", LookCommands.class);
        function("messages", LookCommands.class);
        function("show", LookCommands.class);
        function("why", LookCommands.class);
        function("parked", LookCommands.class);
        function("held", LookCommands.class);
        function("retry", ChangeCommands.class);
        function("discard", ChangeCommands.class);
        function("replay", ChangeCommands.class);
        function("replays", LookCommands.class);
        function("cancel-replay", ChangeCommands.class);
        function("pause", ChangeCommands.class);
        function("resume", ChangeCommands.class);
        function("rotate", ChangeCommands.class);
        COMMANDS.put("doctor", DoctorCommand::new);
        COMMANDS.put("migrate", MigrateCommand::new);
        COMMANDS.put("rebase", RebaseCommand::new);
        COMMANDS.put("config", ConfigCommand::new);
        COMMANDS.put("completion", CompletionCommand::new);
    }

    private Commands() {}

    private static void function(String name, Class<?> functions) {
        COMMANDS.put(
                name,
                () -> CommandLine.getCommandMethods(functions, null).stream()
                        .filter(method ->
                                method.getAnnotation(Command.class).name().equals(name))
                        .findFirst()
                        .orElseThrow());
    }

    /** Adds the command that the arguments name first, or all of them if help or completion may need them. */
    static void add(CommandLine root, List<String> arguments) {
        Supplier<Object> first = arguments.isEmpty() ? null : COMMANDS.get(arguments.get(0));
        if (first != null && !arguments.get(0).equals("completion")) {
            root.addSubcommand(new CommandLine(first.get()));
        } else {
            COMMANDS.values().forEach(command -> root.addSubcommand(new CommandLine(command.get())));
        }
    }
}
