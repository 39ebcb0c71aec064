package dev.outbox.inbox;

import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Each transaction on a connection of its own. */
final class DataSourceTransactions implements InboxTransactions {

    private final DataSource dataSource;

    DataSourceTransactions(DataSource dataSource) {
        this.dataSource = dataSource;
    }

    @Override
    public <R extends @Nullable Object> R inTransaction(Body<R> body) throws Exception {
        try (Connection connection = dataSource.getConnection()) {
            boolean autoCommit = connection.getAutoCommit();
            if (autoCommit) {
                connection.setAutoCommit(false);
            }
            R result = run(connection, body);
            if (autoCommit) {
                connection.setAutoCommit(true);
            }
            return result;
        }
    }

    private static <R extends @Nullable Object> R run(Connection connection, Body<R> body) throws Exception {
        try {
            R result = body.run(connection);
            connection.commit();
            return result;
        } catch (Throwable failure) {
            try {
                connection.rollback();
            } catch (SQLException e) {
                failure.addSuppressed(e);
            }
            throw failure;
        }
    }
}
