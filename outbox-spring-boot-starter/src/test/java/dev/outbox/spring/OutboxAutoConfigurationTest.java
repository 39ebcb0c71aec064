package dev.outbox.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.Outbox;
import dev.outbox.OutboxSettings;
import dev.outbox.inbox.Inbox;
import dev.outbox.inbox.InboxSettings;
import java.time.Duration;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

class OutboxAutoConfigurationTest {

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(
                    DataSourceTransactionManagerAutoConfiguration.class, OutboxAutoConfiguration.class))
            .withBean(DataSource.class, PGSimpleDataSource::new)
            .withPropertyValues(
                    "outbox.migrate=false", "outbox.inbox.migrate=false", "outbox.service.name=order-service");

    @Test
    void configuresOutboxAndInboxWithDefaults() {
        runner.run(context -> {
            assertThat(context).hasSingleBean(Outbox.class).hasSingleBean(Inbox.class);
            OutboxSettings settings = context.getBean(OutboxSettings.class);
            assertThat(settings.source()).isEqualTo("order-service");
            assertThat(settings.schema()).isEqualTo("outbox");
            assertThat(settings.payloadBytesMax()).isEqualTo(1024 * 1024);
            assertThat(context.getBean(OutboxProperties.class).inbox().retention())
                    .isEqualTo(Duration.ofDays(30));
            assertThat(context.getBean(InboxCleaner.class).isRunning()).isTrue();
        });
    }

    @Test
    void takesEverySetting() {
        runner.withPropertyValues(
                        "outbox.schema=events",
                        "outbox.payload-bytes-max=64KB",
                        "outbox.type-pattern=[A-Z].*",
                        "outbox.service.instance=pod-1",
                        "outbox.service.environment=test",
                        "outbox.inbox.retention=0")
                .run(context -> {
                    OutboxSettings settings = context.getBean(OutboxSettings.class);
                    assertThat(settings.schema()).isEqualTo("events");
                    assertThat(settings.payloadBytesMax()).isEqualTo(64 * 1024);
                    assertThat(settings.typePattern().pattern()).isEqualTo("[A-Z].*");
                    assertThat(settings.instance()).isEqualTo("pod-1");
                    assertThat(settings.environment()).isEqualTo("test");
                    assertThat(context.getBean(InboxCleaner.class).isRunning()).isFalse();
                });
    }

    @Test
    void takesTheNameOfTheServiceFromTheEnvironmentThenFromTheApplication() {
        ApplicationContextRunner nameless =
                runner.withPropertyValues("outbox.service.name=", "SERVICE_NAME=", "spring.application.name=");
        nameless.withPropertyValues("SERVICE_NAME=from-env", "spring.application.name=from-app")
                .run(context -> assertThat(context.getBean(OutboxSettings.class).source())
                        .isEqualTo("from-env"));
        nameless.withPropertyValues("spring.application.name=from-app")
                .run(context -> assertThat(context.getBean(OutboxSettings.class).source())
                        .isEqualTo("from-app"));
        nameless.run(context ->
                assertThat(context).getFailure().rootCause().hasMessageContaining("name=outbox.service.name"));
    }

    @Test
    void refusesSettingsOutOfBounds() {
        for (String[] bad : new String[][] {
            {"outbox.schema=Events", "name=schema"},
            {"outbox.payload-bytes-max=17MB", "name=outbox.payload-bytes-max"},
            {"outbox.payload-bytes-max=0", "name=outbox.payload-bytes-max"},
            {"outbox.inbox.retention=-1d", "name=outbox.inbox.retention"}
        }) {
            runner.withPropertyValues(bad[0])
                    .run(context -> assertThat(context).getFailure().rootCause().hasMessageContaining(bad[1]));
        }
    }

    @Test
    void stepsBack() {
        runner.withPropertyValues("outbox.enabled=false")
                .run(context ->
                        assertThat(context).doesNotHaveBean(Outbox.class).doesNotHaveBean(Inbox.class));
        runner.withPropertyValues("outbox.inbox.enabled=false")
                .run(context -> assertThat(context).hasSingleBean(Outbox.class).doesNotHaveBean(Inbox.class));
        Outbox own = Outbox.jdbc(OutboxSettings.of("own")).bind(() -> {
            throw new AssertionError("not used");
        });
        Inbox inbox = Inbox.jdbc(new PGSimpleDataSource(), InboxSettings.defaults());
        runner.withBean(Outbox.class, () -> own)
                .withBean(Inbox.class, () -> inbox)
                .run(context -> {
                    assertThat(context.getBean(Outbox.class)).isSameAs(own);
                    assertThat(context.getBean(Inbox.class)).isSameAs(inbox);
                });
    }
}
