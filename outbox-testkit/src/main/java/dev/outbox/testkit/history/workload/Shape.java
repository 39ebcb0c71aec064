package dev.outbox.testkit.history.workload;

import java.sql.SQLException;
import java.sql.Savepoint;

/**
 * What one transaction of the workload does. Each shape has broken some outbox; a workload mixes them at random.
 *
 * <p>Whatever the shape, the writers of a key are serialised on its row, so that its messages have an order.
 */
public enum Shape {
    /** Takes the key's row lock, thinks, appends. */
    ROW_LOCK {
        @Override
        Ending run(Transaction transaction) throws SQLException {
            transaction.lock(0);
            transaction.append(0);
            return Ending.COMMIT;
        }
    },
    /** Takes its xid first and then waits for the key, so that a lower xid commits after a higher one. */
    EARLY_XID {
        @Override
        Ending run(Transaction transaction) throws SQLException {
            transaction.visit();
            transaction.pause();
            transaction.append(0);
            return Ending.COMMIT;
        }
    },
    /** Appends to three keys, locked in their sorted order. */
    MULTI_KEY {
        @Override
        Ending run(Transaction transaction) throws SQLException {
            for (int i = 0; i < transaction.keyCount(); i++) {
                transaction.append(i);
            }
            return Ending.COMMIT;
        }

        @Override
        int keys() {
            return 3;
        }
    },
    /** Appends twice and rolls everything back. */
    ROLLBACK {
        @Override
        Ending run(Transaction transaction) throws SQLException {
            transaction.append(0);
            transaction.append(0);
            return Ending.ROLLBACK;
        }
    },
    /** Appends, appends in a savepoint, rolls back to it, appends again. */
    SAVEPOINT {
        @Override
        Ending run(Transaction transaction) throws SQLException {
            transaction.append(0);
            Savepoint savepoint = transaction.savepoint();
            transaction.append(0);
            transaction.append(0);
            transaction.rollbackTo(savepoint);
            transaction.append(0);
            return Ending.COMMIT;
        }
    },
    /** Appends, stays open for seconds while others append far higher numbers, appends again. */
    LONG {
        @Override
        Ending run(Transaction transaction) throws SQLException {
            transaction.append(0);
            transaction.hold();
            transaction.append(0);
            return Ending.COMMIT;
        }
    },
    /** Appends several messages of one key. */
    SEVERAL {
        @Override
        Ending run(Transaction transaction) throws SQLException {
            for (int i = 0; i < MESSAGES_OF_SEVERAL; i++) {
                transaction.append(0);
            }
            return Ending.COMMIT;
        }
    },
    /** Reads the version without a lock, appends, and writes the next version if nobody was faster; else tries again. */
    VERSION_CHECK {
        @Override
        Ending run(Transaction transaction) throws SQLException {
            return transaction.appendChecked(0) ? Ending.COMMIT : Ending.RETRY;
        }
    };

    private static final int MESSAGES_OF_SEVERAL = 4;

    /** How a transaction is to be ended. */
    enum Ending {
        COMMIT,
        ROLLBACK,
        RETRY
    }

    /** Works in an open transaction, which it does not end. */
    abstract Ending run(Transaction transaction) throws SQLException;

    /** How many keys it writes. */
    int keys() {
        return 1;
    }
}
