package dev.outbox.schema;

import dev.outbox.OutboxException;
import dev.outbox.OutboxSettings;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings the schema of the outbox, or of the inbox, to the version of this library, with Flyway (which must be on the
 * class path: {@code flyway-core} and {@code flyway-database-postgresql}).
 *
 * <p>Running it again does nothing, several instances may run it at the same time, and both sets of tables may live in
 * one schema, also in one that holds an application's tables. A schema that a newer version of the library has already
 * upgraded is left as it is. Needs a data source that gives two connections, and a role that may create tables (and the
 * schema, where it is missing).
 *
 * <pre>{@code
 * OutboxSchema.migrate(dataSource, "outbox");
 * OutboxSchema.migrateInbox(dataSource, "outbox");
 * }</pre>
 *
 * <p>Not for databases whose tables were made by running the scripts with psql: those have no history.
 */
public final class OutboxSchema {

    private static final Logger LOG = LoggerFactory.getLogger(OutboxSchema.class);

    private OutboxSchema() {}

    /**
     * Creates or upgrades the outbox: the messages, what the relays keep, and the SQL functions. Each script is a
     * transaction of its own.
     *
     * @param schema where the tables go, {@code [a-z_][a-z0-9_]{0,62}}; created if missing
     * @return how many scripts were applied, 0 if the schema was up to date
     * @throws IllegalArgumentException if the name of the schema is not allowed
     * @throws OutboxException if the database could not be reached or a script failed; what failed was rolled back
     */
    public static int migrate(DataSource dataSource, String schema) {
        return migrate(dataSource, schema, "outbox_schema_history", "classpath:dev/outbox/db/migration");
    }

    /**
     * Creates or upgrades the inbox, in a consumer's database.
     *
     * @param schema where the tables go, {@code [a-z_][a-z0-9_]{0,62}}; created if missing
     * @return how many scripts were applied, 0 if the schema was up to date
     * @throws IllegalArgumentException if the name of the schema is not allowed
     * @throws OutboxException if the database could not be reached or a script failed; what failed was rolled back
     */
    public static int migrateInbox(DataSource dataSource, String schema) {
        return migrate(dataSource, schema, "inbox_schema_history", "classpath:dev/outbox/db/inbox");
    }

    private static int migrate(DataSource dataSource, String schema, String history, String location) {
        OutboxSettings.checkSchema(schema);
        try {
            int applied = Flyway.configure(OutboxSchema.class.getClassLoader())
                    .dataSource(dataSource)
                    .schemas(schema)
                    .defaultSchema(schema)
                    .createSchemas(true)
                    .table(history)
                    .locations(location)
                    .failOnMissingLocations(true)
                    .placeholderReplacement(false)
                    // The schema may hold other tables already; version 0 is before the first script.
                    .baselineOnMigrate(true)
                    .baselineVersion("0")
                    .load()
                    .migrate()
                    .migrationsExecuted;
            LOG.info("Schema is up to date: schema={}, history={}, applied={}", schema, history, applied);
            return applied;
        } catch (FlywayException e) {
            throw new OutboxException(
                    "Migration failed: schema=" + schema + ", history=" + history
                            + "; what failed was rolled back, and it is tried again at the next start",
                    e);
        }
    }
}
