package dev.outbox.relay.ops;

import dev.outbox.relay.RelayException;

/**
 * The outbox says no to what an operator asked for, and nothing was changed. The message is one line that names what is
 * wrong, then what would mend it.
 */
public final class OperationRefusedException extends RelayException {

    private static final long serialVersionUID = 1L;

    private final Reason reason;

    /** Why an operation is refused. */
    public enum Reason {
        /** What was asked for makes no sense: a blank reason, an empty filter, a rate out of range. */
        BAD_ARGUMENT("OB001"),
        /** Nothing matches, or an id is unknown. */
        NOTHING_MATCHES("OB002"),
        /** The state of what matches does not allow it. */
        WRONG_STATE("OB003"),
        /** More matches than was allowed for. */
        TOO_MANY("OB004"),
        /** Another operator is at work. */
        BUSY("OB005");

        private final String sqlState;

        Reason(String sqlState) {
            this.sqlState = sqlState;
        }

        String sqlState() {
            return sqlState;
        }
    }

    private OperationRefusedException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    /** A refusal in one line: what is wrong, and what would mend it. */
    public static OperationRefusedException of(Reason reason, String message) {
        return new OperationRefusedException(reason, message);
    }

    /** Why. */
    public Reason reason() {
        return reason;
    }
}
