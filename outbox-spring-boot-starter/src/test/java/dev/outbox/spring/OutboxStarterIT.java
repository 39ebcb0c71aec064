package dev.outbox.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outbox.InvalidMessageException;
import dev.outbox.NoTransactionException;
import dev.outbox.Outbox;
import dev.outbox.OutboxMessage;
import dev.outbox.inbox.Inbox;
import dev.outbox.inbox.InboxResult;
import dev.outbox.testkit.OutboxServers;
import dev.outbox.testkit.TestDatabase;
import java.io.IOException;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.flyway.autoconfigure.FlywayAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.JdbcTemplateAutoConfiguration;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.UnexpectedRollbackException;
import org.springframework.transaction.support.TransactionTemplate;

@ExtendWith(OutboxServers.class)
class OutboxStarterIT {

    private final TestDatabase database;
    private final ApplicationContextRunner runner;

    OutboxStarterIT(TestDatabase database) {
        this.database = database;
        this.runner = new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(
                        DataSourceAutoConfiguration.class,
                        DataSourceTransactionManagerAutoConfiguration.class,
                        JdbcTemplateAutoConfiguration.class,
                        OutboxAutoConfiguration.class))
                .withPropertyValues(
                        "spring.datasource.url=" + database.jdbcUrl(),
                        "spring.datasource.username=" + database.user(),
                        "spring.datasource.password=" + database.password(),
                        "spring.datasource.hikari.maximum-pool-size=4",
                        "outbox.service.name=order-service");
    }

    @BeforeEach
    void clear() {
        database.execute("drop schema if exists outbox cascade; drop schema public cascade; create schema public;"
                + " create table orders (id text primary key)");
    }

    @Test
    void appendsInTheTransactionAndLeavesNothingOfARollback() {
        run(app -> {
            app.transaction().executeWithoutResult(status -> {
                app.order("1");
                app.outbox().append(message("1"));
                app.outbox().appendAll(List.of(message("2"), message("3")));
            });
            app.transaction().executeWithoutResult(status -> {
                app.order("4");
                app.outbox().append(message("4"));
                status.setRollbackOnly();
            });
            assertThat(app.keys()).containsExactly("1", "2", "3");
            assertThat(app.orders()).containsExactly("1");
        });
    }

    @Test
    void anInnerTransactionOfItsOwnCommitsItsOwnMessage() {
        run(app -> {
            TransactionTemplate inner = new TransactionTemplate(app.manager());
            inner.setPropagationBehavior(TransactionDefinition.PROPAGATION_REQUIRES_NEW);
            app.transaction().executeWithoutResult(status -> {
                app.outbox().append(message("outer"));
                inner.executeWithoutResult(own -> app.outbox().append(message("inner")));
                status.setRollbackOnly();
            });
            assertThat(app.keys()).containsExactly("inner");
        });
    }

    @Test
    void aNestedTransactionRollsBackToItsSavepoint() {
        run(app -> {
            TransactionTemplate nested = new TransactionTemplate(app.manager());
            nested.setPropagationBehavior(TransactionDefinition.PROPAGATION_NESTED);
            app.transaction().executeWithoutResult(status -> {
                app.outbox().append(message("outer"));
                nested.executeWithoutResult(own -> {
                    app.outbox().append(message("nested"));
                    own.setRollbackOnly();
                });
            });
            assertThat(app.keys()).containsExactly("outer");
        });
    }

    @Test
    void refusesWithoutATransactionAndInAReadOnlyOne() {
        run(app -> {
            assertThatThrownBy(() -> app.outbox().append(message("1")))
                    .isInstanceOf(NoTransactionException.class)
                    .hasMessageContaining("no transaction is active")
                    .hasMessageContaining("@Transactional");
            TransactionTemplate readOnly = new TransactionTemplate(app.manager());
            readOnly.setReadOnly(true);
            readOnly.executeWithoutResult(
                    status -> assertThatThrownBy(() -> app.outbox().append(message("1")))
                            .isInstanceOf(NoTransactionException.class)
                            .hasMessageContaining("read-only"));
            assertThat(app.keys()).isEmpty();
        });
    }

    @Test
    void refusesInTheTransactionOfAnotherManagerWhateverThePoolDoes() {
        for (String autoCommit : List.of("true", "false")) {
            ApplicationContextRunner pool =
                    runner.withPropertyValues("spring.datasource.hikari.auto-commit=" + autoCommit);
            run(pool, app -> {
                TransactionTemplate foreign =
                        new TransactionTemplate(new DataSourceTransactionManager(database.dataSource()));
                foreign.executeWithoutResult(
                        status -> assertThatThrownBy(() -> app.outbox().append(message("1")))
                                .isInstanceOf(NoTransactionException.class)
                                .hasMessageContaining("another transaction manager"));
                app.transaction().executeWithoutResult(status -> app.outbox().append(message(autoCommit)));
            });
        }
        assertThat(keys(new JdbcTemplate(database.dataSource()))).containsExactly("true", "false");
    }

    @Test
    void aRefusedMessageLeavesTheTransactionUsable() {
        run(app -> {
            app.transaction().executeWithoutResult(status -> {
                app.order("1");
                assertThatThrownBy(() -> app.outbox().append(OutboxMessage.of("", "order.created", "1", "x")))
                        .isInstanceOf(InvalidMessageException.class)
                        .hasMessageContaining("field=topic");
            });
            assertThat(app.orders()).containsExactly("1");
            assertThat(app.keys()).isEmpty();
        });
    }

    @Test
    void theWorkOfTheInboxSharesItsTransactionWithJdbcTemplateAndOutbox() {
        run(app -> {
            IOException broken = new IOException("broken");
            assertThatThrownBy(() -> app.inbox().receive("stock", "m1", connection -> {
                        app.order("1");
                        app.outbox().append(message("1"));
                        throw broken;
                    }))
                    .isSameAs(broken);
            assertThat(app.orders()).isEmpty();
            assertThat(app.keys()).isEmpty();
            assertThat(app.received()).isEmpty();
            for (boolean first : new boolean[] {true, false}) {
                assertThat(app.inbox().receive("stock", "m1", connection -> {
                            app.order("1");
                            app.outbox().append(message("1"));
                        }))
                        .isEqualTo(first);
            }
            assertThat(app.orders()).containsExactly("1");
            assertThat(app.keys()).containsExactly("1");
            assertThat(app.received()).containsExactly("m1");
        });
    }

    @Test
    void aFailingBatchOfTheInboxIsReceivedOneByOne() {
        run(app -> {
            InboxResult<String> result = app.inbox()
                    .receiveAll("stock", List.of("1", "2", "2", "3"), Function.identity(), (connection, fresh) -> {
                        for (String id : fresh) {
                            app.order(id);
                            if (id.equals("2")) {
                                throw new IOException("broken");
                            }
                        }
                    });
            assertThat(result.received()).containsExactly("1", "3");
            assertThat(result.failures())
                    .extracting(InboxResult.Failure::message)
                    .containsExactly("2", "2");
            assertThat(app.orders()).containsExactly("1", "3");
        });
    }

    @Test
    void aConflictIsTriedAgainUnlessTheTransactionIsTheCallers() {
        run(app -> {
            AtomicInteger runs = new AtomicInteger();
            assertThat(app.inbox().receive("stock", "m1", connection -> {
                        if (runs.incrementAndGet() < 3) {
                            throw new SQLException("conflict", "40001");
                        }
                    }))
                    .isTrue();
            assertThat(runs).hasValue(3);
            assertThatThrownBy(() -> app.transaction()
                            .executeWithoutResult(status -> assertThatThrownBy(() -> app.inbox()
                                            .receive("stock", "m2", connection -> {
                                                runs.incrementAndGet();
                                                throw new SQLException("conflict", "40001");
                                            }))
                                    .isInstanceOf(SQLException.class)))
                    .isInstanceOf(UnexpectedRollbackException.class);
            assertThat(runs).hasValue(4);
            assertThat(app.received()).containsExactly("m1");
        });
    }

    @Test
    void theInboxJoinsTheTransactionOfTheCaller() {
        run(app -> {
            app.transaction().executeWithoutResult(status -> {
                assertThat(app.inbox().receive("stock", "m1", connection -> app.order("1")))
                        .isTrue();
                status.setRollbackOnly();
            });
            assertThat(app.received()).isEmpty();
            assertThat(app.orders()).isEmpty();
        });
    }

    @Test
    void theApplicationsOwnFlywayIsUndisturbed() {
        for (String schema : List.of("outbox", "public")) {
            clear();
            ApplicationContextRunner withFlyway = runner.withConfiguration(
                            AutoConfigurations.of(FlywayAutoConfiguration.class))
                    .withPropertyValues("outbox.schema=" + schema, "spring.flyway.locations=classpath:app/migration");
            database.execute("drop table orders");
            for (int start = 1; start <= 2; start++) {
                run(withFlyway, app -> {
                    assertThat(app.context()).hasSingleBean(Flyway.class);
                    assertThat(app.jdbc()
                                    .queryForList(
                                            "select version from public.flyway_schema_history where success",
                                            String.class))
                            .containsExactly("1");
                    assertThat(app.jdbc()
                                    .queryForObject(
                                            "select count(*) from " + schema
                                                    + ".outbox_schema_history where type = 'SQL'",
                                            Integer.class))
                            .isPositive();
                    app.order("1" + System.nanoTime());
                });
            }
        }
    }

    @Test
    void startsWithoutMigratingWhereThatIsOff() {
        run(
                runner.withPropertyValues("outbox.migrate=false", "outbox.inbox.migrate=false"),
                app -> assertThat(app.jdbc()
                                .queryForObject(
                                        "select count(*) from information_schema.schemata where schema_name = 'outbox'",
                                        Integer.class))
                        .isZero());
    }

    @Test
    void theCleanerForgetsWhatIsOlderThanTheRetention() {
        run(runner.withPropertyValues("outbox.inbox.retention=1h"), app -> {
            app.inbox().receive("stock", "new", connection -> {});
            app.jdbc().update("insert into outbox.inbox values ('stock', 'old', now() - interval '2 hours')");
            app.context().getBean(InboxCleaner.class).clean();
            assertThat(app.received()).containsExactly("new");
        });
    }

    private record App(AssertableApplicationContext context) {

        Outbox outbox() {
            return context.getBean(Outbox.class);
        }

        Inbox inbox() {
            return context.getBean(Inbox.class);
        }

        JdbcTemplate jdbc() {
            return context.getBean(JdbcTemplate.class);
        }

        PlatformTransactionManager manager() {
            return context.getBean(PlatformTransactionManager.class);
        }

        TransactionTemplate transaction() {
            return new TransactionTemplate(manager());
        }

        void order(String id) {
            jdbc().update("insert into orders values (?)", id);
        }

        List<String> orders() {
            return jdbc().queryForList("select id from orders order by id", String.class);
        }

        List<String> keys() {
            return OutboxStarterIT.keys(jdbc());
        }

        List<String> received() {
            return jdbc().queryForList("select message_id from outbox.inbox order by 1", String.class);
        }
    }

    private static List<String> keys(JdbcTemplate jdbc) {
        return jdbc.queryForList("select key from outbox.message order by seq", String.class);
    }

    private static OutboxMessage message(String key) {
        return OutboxMessage.of("orders", "order.created", key, "x");
    }

    private interface Story {
        void tell(App app) throws Exception;
    }

    private void run(Story test) {
        run(runner, test);
    }

    private static void run(ApplicationContextRunner runner, Story test) {
        runner.run(context -> {
            assertThat(context).hasNotFailed();
            test.tell(new App(context));
        });
    }
}
