package dev.outbox.spring;

import dev.outbox.schema.OutboxSchema;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.InitializingBean;
import org.springframework.util.ClassUtils;

/** Brings the tables up to date before any bean that uses the database, with Flyway but without a bean of it. */
final class OutboxSchemaInitializer implements InitializingBean {

    private static final Logger LOG = LoggerFactory.getLogger(OutboxSchemaInitializer.class);

    private final DataSource dataSource;
    private final OutboxProperties properties;

    OutboxSchemaInitializer(DataSource dataSource, OutboxProperties properties) {
        this.dataSource = dataSource;
        this.properties = properties;
    }

    @Override
    public void afterPropertiesSet() {
        boolean inbox = properties.inbox().enabled() && properties.inbox().migrate();
        if (!properties.migrate() && !inbox) {
            return;
        }
        if (!ClassUtils.isPresent("org.flywaydb.core.Flyway", getClass().getClassLoader())) {
            LOG.warn("Schema not migrated: Flyway is missing; add org.flywaydb:flyway-database-postgresql, or set"
                    + " outbox.migrate=false and outbox.inbox.migrate=false");
            return;
        }
        if (properties.migrate()) {
            OutboxSchema.migrate(dataSource, properties.schema());
        }
        if (inbox) {
            OutboxSchema.migrateInbox(dataSource, properties.schema());
        }
    }
}
