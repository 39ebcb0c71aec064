package dev.outbox.inbox;

import dev.outbox.OutboxException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.postgresql.core.BaseConnection;
import org.postgresql.core.TransactionState;

/**
 * Whether a transaction can still commit. PostgreSQL answers the commit of a failed transaction with a rollback and no
 * error, so work that caught an SQL exception would look done, be acknowledged and be lost.
 */
final class TransactionCheck {

    private static final boolean DRIVER_PRESENT = isDriverPresent();

    private TransactionCheck() {}

    /**
     * The driver knows the state without asking; another driver (or one of another class loader) costs a round trip.
     *
     * @throws OutboxException if the transaction has failed or was ended by the work
     */
    static void requireUsable(Connection connection) throws SQLException {
        if (DRIVER_PRESENT && Driver.isOf(connection)) {
            Driver.requireUsable(connection);
            return;
        }
        try (Statement statement = connection.createStatement()) {
            statement.execute("select 1");
        } catch (SQLException e) {
            throw new OutboxException(
                    "Receive failed: the work caught an SQL error, so its transaction cannot commit; let"
                            + " the error through, or use a savepoint",
                    e);
        }
    }

    private static boolean isDriverPresent() {
        try {
            Class.forName("org.postgresql.core.BaseConnection", false, TransactionCheck.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    /** Loaded only where the driver is on the class path. */
    private static final class Driver {

        static boolean isOf(Connection connection) throws SQLException {
            return connection.isWrapperFor(BaseConnection.class);
        }

        static void requireUsable(Connection connection) throws SQLException {
            TransactionState state = connection.unwrap(BaseConnection.class).getTransactionState();
            if (state == TransactionState.FAILED) {
                throw new OutboxException(
                        "Receive failed: the work caught an SQL error, so its transaction cannot commit;"
                                + " let the error through, or use a savepoint");
            }
            if (state == TransactionState.IDLE) {
                throw new OutboxException("Receive failed: the work ended the transaction by itself, so the message id"
                        + " and the effect are not together; leave commit and rollback to the inbox");
            }
        }
    }
}
