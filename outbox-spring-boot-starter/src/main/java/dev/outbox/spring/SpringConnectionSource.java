package dev.outbox.spring;

import dev.outbox.ConnectionSource;
import dev.outbox.NoTransactionException;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.springframework.jdbc.datasource.DataSourceUtils;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/** The connection that Spring's transaction manager bound to this thread for the data source of the outbox. */
final class SpringConnectionSource implements ConnectionSource {

    private static final String REFUSED = "Append or receive refused: ";

    private final DataSource dataSource;

    SpringConnectionSource(DataSource dataSource) {
        this.dataSource = target(dataSource);
    }

    @Override
    public Connection acquire() throws SQLException {
        if (!TransactionSynchronizationManager.isActualTransactionActive()) {
            throw new NoTransactionException(REFUSED
                    + "no transaction is active on this thread; call it in a method with @Transactional (through the"
                    + " bean, not through this) or in a TransactionTemplate, together with the change it tells of");
        }
        if (TransactionSynchronizationManager.isCurrentTransactionReadOnly()) {
            throw new NoTransactionException(
                    REFUSED + "the active transaction is read-only; use @Transactional without readOnly");
        }
        // A manager of this data source bound its connection at the begin. Asking Spring for one without that would
        // give a connection that nobody commits, or that commits by itself.
        if (!TransactionSynchronizationManager.hasResource(dataSource)) {
            throw foreignTransaction();
        }
        Connection connection = DataSourceUtils.doGetConnection(dataSource);
        if (connection.getAutoCommit()) {
            release(connection);
            throw foreignTransaction();
        }
        return connection;
    }

    @Override
    public void release(Connection connection) throws SQLException {
        DataSourceUtils.doReleaseConnection(connection, dataSource);
    }

    private static NoTransactionException foreignTransaction() {
        return new NoTransactionException(REFUSED
                + "the active transaction belongs to another transaction manager or another data source than that of"
                + " the outbox; name the manager of this data source, as in @Transactional(\"transactionManager\")");
    }

    private static DataSource target(DataSource dataSource) {
        if (dataSource instanceof TransactionAwareDataSourceProxy proxy && proxy.getTargetDataSource() != null) {
            return proxy.getTargetDataSource();
        }
        return dataSource;
    }
}
