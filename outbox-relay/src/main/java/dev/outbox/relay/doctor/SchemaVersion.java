package dev.outbox.relay.doctor;

import dev.outbox.relay.Database;
import dev.outbox.relay.RelayException;
import dev.outbox.schema.OutboxSchema;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationInfoService;
import org.postgresql.ds.PGSimpleDataSource;

/** Compares the schema's history with the scripts of this version; what {@code outbox migrate} would do. */
final class SchemaVersion {

    private static final String SUBJECT = "schema";

    /** A role that only relays has no business with the history; that the tables are there was looked at. */
    private static final String UNREADABLE = """
            SELECT 'yes'
            WHERE NOT has_table_privilege(to_regclass('outbox_schema_history'), 'SELECT')
            """;

    private SchemaVersion() {}

    static Finding check(Connection connection, Database database) throws SQLException {
        if (!DatabaseCheck.ask(connection, UNREADABLE).isEmpty()) {
            return Finding.ok(SUBJECT, "version not looked at: the role may not read outbox_schema_history");
        }
        try {
            MigrationInfoService info = Flyway.configure(OutboxSchema.class.getClassLoader())
                    .dataSource(dataSource(database))
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
            return Finding.warning(
                    SUBJECT, "version cannot be told, its history cannot be read: " + RelayException.inOneLine(e));
        }
    }

    private static DataSource dataSource(Database database) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl(database.url());
        source.setUser(database.user());
        source.setPassword(database.password());
        source.setApplicationName("outbox doctor");
        return source;
    }
}
