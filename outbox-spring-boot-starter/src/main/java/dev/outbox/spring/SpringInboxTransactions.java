package dev.outbox.spring;

import dev.outbox.inbox.InboxTransactions;
import java.sql.Connection;
import org.jspecify.annotations.Nullable;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;

/** Runs the inbox in Spring's transactions, so that all that joins them inside the work is part of the effect. */
final class SpringInboxTransactions implements InboxTransactions {

    private final TransactionTemplate template;
    private final SpringConnectionSource source;

    SpringInboxTransactions(PlatformTransactionManager manager, SpringConnectionSource source) {
        this.template = new TransactionTemplate(manager);
        this.source = source;
    }

    @Override
    @SuppressWarnings("NullAway") // The template knows no result that is null or not as the body has it.
    public <R extends @Nullable Object> R inTransaction(Body<R> body) throws Exception {
        try {
            return template.execute(status -> run(body));
        } catch (Carrier carrier) {
            throw carrier.checked;
        }
    }

    @Override
    public boolean isActive() {
        return TransactionSynchronizationManager.isActualTransactionActive();
    }

    private <R extends @Nullable Object> R run(Body<R> body) {
        try {
            Connection connection = source.acquire();
            try {
                return body.run(connection);
            } finally {
                source.release(connection);
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new Carrier(e);
        }
    }

    /** Takes a checked exception through the template, which rolls back for it. */
    private static final class Carrier extends RuntimeException {

        private final transient Exception checked;

        Carrier(Exception checked) {
            super(checked);
            this.checked = checked;
        }
    }
}
