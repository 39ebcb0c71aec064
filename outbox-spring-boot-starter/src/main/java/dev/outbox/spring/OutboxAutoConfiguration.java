package dev.outbox.spring;

import dev.outbox.Outbox;
import dev.outbox.OutboxSettings;
import dev.outbox.PayloadSerializer;
import dev.outbox.inbox.Inbox;
import dev.outbox.inbox.InboxSettings;
import javax.sql.DataSource;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.sql.init.dependency.DependsOnDatabaseInitialization;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.util.StringUtils;
import tools.jackson.databind.json.JsonMapper;

/**
 * Configures {@link Outbox} and {@link Inbox} on the application's data source. Every bean steps back for one of the
 * application's own.
 *
 * <ul>
 *   <li>{@code Outbox} appends to the current Spring transaction of that data source; it refuses without one, in a
 *       read-only one, and in the transaction of another manager or data source.
 *   <li>{@code Inbox} runs its work in a Spring transaction: repositories and {@code JdbcTemplate} inside share it.
 *       Called within a transaction it joins that, and leaves it to its owner to try again.
 *   <li>The tables are created or upgraded before beans that use the database, after the application's own migrations.
 *       No {@code Flyway} bean is involved. Switch off with {@code outbox.migrate} and {@code outbox.inbox.migrate}.
 * </ul>
 *
 * <pre>{@code
 * @Transactional
 * public void place(Order order) {
 *     orders.save(order);
 *     outbox.append(OutboxMessage.of("orders", "order.created", order.id(), new OrderCreated(order)));
 * }
 * }</pre>
 *
 * <p>With several data sources, mark one as primary or define the beans yourself. JTA is not supported.
 */
@AutoConfiguration(
        after = {DataSourceAutoConfiguration.class, DataSourceTransactionManagerAutoConfiguration.class},
        afterName = {
            "org.springframework.boot.hibernate.autoconfigure.HibernateJpaAutoConfiguration",
            "org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration"
        })
@ConditionalOnProperty(name = "outbox.enabled", matchIfMissing = true)
@ConditionalOnSingleCandidate(DataSource.class)
@EnableConfigurationProperties(OutboxProperties.class)
public final class OutboxAutoConfiguration {

    /** How payload objects become JSON: as the application's own {@code JsonMapper} does it, if there is one. */
    @Bean
    @ConditionalOnMissingBean
    PayloadSerializer outboxPayloadSerializer(ObjectProvider<JsonMapper> mapper) {
        JsonMapper own = mapper.getIfUnique();
        return own == null ? PayloadSerializer.jackson() : PayloadSerializer.jackson(own);
    }

    /** The settings of the outbox, from {@code outbox.*}. */
    @Bean
    @ConditionalOnMissingBean
    OutboxSettings outboxSettings(OutboxProperties properties, PayloadSerializer serializer, Environment environment) {
        OutboxSettings settings = OutboxSettings.of(serviceName(properties, environment))
                .withSchema(properties.schema())
                .withPayloadBytesMax((int) properties.payloadBytesMax().toBytes())
                .withInstance(properties.service().instance())
                .withEnvironment(properties.service().environment())
                .withSerializer(serializer);
        return properties.typePattern() == null ? settings : settings.withTypePattern(properties.typePattern());
    }

    /** The outbox of the current Spring transaction. */
    @Bean
    @ConditionalOnMissingBean
    @DependsOnDatabaseInitialization
    Outbox outbox(OutboxSettings settings, DataSource dataSource) {
        return Outbox.jdbc(settings).bind(new SpringConnectionSource(dataSource));
    }

    /** Creates or upgrades the tables. */
    @Bean
    @ConditionalOnMissingBean
    OutboxSchemaInitializer outboxSchemaInitializer(DataSource dataSource, OutboxProperties properties) {
        return new OutboxSchemaInitializer(dataSource, properties);
    }

    private static String serviceName(OutboxProperties properties, Environment environment) {
        String name = properties.service().name();
        for (String property : new String[] {"SERVICE_NAME", "spring.application.name"}) {
            name = StringUtils.hasText(name) ? name : environment.getProperty(property);
        }
        if (!StringUtils.hasText(name)) {
            throw new IllegalStateException("Setting missing: name=outbox.service.name; set it, or SERVICE_NAME in the"
                    + " environment, or spring.application.name");
        }
        return name;
    }

    /** The inbox, where there is a transaction manager to run its work. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnProperty(name = "outbox.inbox.enabled", matchIfMissing = true)
    @ConditionalOnSingleCandidate(PlatformTransactionManager.class)
    static final class InboxConfiguration {

        /** The inbox whose work runs in a Spring transaction. */
        @Bean
        @ConditionalOnMissingBean
        @DependsOnDatabaseInitialization
        Inbox inbox(OutboxProperties properties, DataSource dataSource, PlatformTransactionManager manager) {
            return Inbox.over(
                    new SpringInboxTransactions(manager, new SpringConnectionSource(dataSource)),
                    InboxSettings.defaults().withSchema(properties.schema()));
        }

        /** Forgets old message ids. */
        @Bean
        @ConditionalOnMissingBean
        InboxCleaner outboxInboxCleaner(Inbox inbox, OutboxProperties properties) {
            return new InboxCleaner(inbox, properties.inbox().retention());
        }
    }
}
