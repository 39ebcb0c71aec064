package dev.outbox.relay.cli;

import dev.outbox.OutboxException;
import dev.outbox.relay.Database;
import dev.outbox.relay.RelayException;
import dev.outbox.schema.OutboxSchema;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code outbox migrate}. */
@Command(
        name = "migrate",
        description = "Creates the schema or brings it to this version. Running it again does nothing."
                + " Needs a role that may create tables.",
        footer = {
            "",
            "Examples:",
            "  outbox migrate",
            "  outbox migrate --outbox.database.user=owner --outbox.database.schema=outbox"
        })
final class MigrateCommand implements Callable<Integer> {

    @ParentCommand
    @SuppressWarnings("NullAway.Init") // set by picocli
    private OutboxMain main;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public Integer call() {
        Database database = main.settings().forDatabase();
        try {
            int applied = OutboxSchema.migrate(dataSource(database), database.schema());
            PrintWriter out = spec.commandLine().getOut();
            out.println("Schema is up to date: schema=" + database.schema() + ", scriptsApplied=" + applied);
            out.flush();
            return ExitCode.OK;
        } catch (OutboxException e) {
            throw new RelayException(
                    "Schema was not brought up to date: schema=" + database.schema(),
                    e.getCause() == null ? e : e.getCause());
        }
    }

    private static DataSource dataSource(Database database) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl(database.url());
        source.setUser(database.user());
        source.setPassword(database.password());
        source.setApplicationName("outbox migrate");
        return source;
    }
}
