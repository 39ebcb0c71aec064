package dev.outbox.relay.cli;

import dev.outbox.relay.Database;
import dev.outbox.relay.ops.Finding;
import dev.outbox.schema.OutboxSchema;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationInfoService;

/** Compares the schema's history with the scripts of this version; what {@code outbox migrate} would do. */
final class SchemaVersion {

    private static final String SUBJECT = "schema";

    private SchemaVersion() {}

    static Finding check(Database database) {
        try {
            MigrationInfoService info = Flyway.configure(OutboxSchema.class.getClassLoader())
                    .dataSource(MigrateCommand.dataSource(database))
                    .schemas(database.schema())
                    .defaultSchema(database.schema())
                    .createSchemas(false)
                    .table("outbox_schema_history")
                    .locations("classpath:dev/outbox/db/migration")
                    .load()
                    .info();
            MigrationInfo current = info.current();
            if (current == null) {
                return Finding.warning(
                        SUBJECT, "without a history: not made by 'outbox migrate', so its version cannot be told");
            }
            MigrationInfo[] pending = info.pending();
            return pending.length == 0
                    ? Finding.ok(SUBJECT, "version " + current.getVersion())
                    : Finding.failed(
                            SUBJECT,
                            "version " + current.getVersion() + ", to be applied: "
                                    + Arrays.stream(pending)
                                            .map(MigrationInfo::getScript)
                                            .collect(Collectors.joining(", "))
                                    + "; run 'outbox migrate'");
        } catch (FlywayException e) {
            return Finding.failed(SUBJECT, "its history cannot be read: " + OutboxMain.message(e));
        }
    }
}
