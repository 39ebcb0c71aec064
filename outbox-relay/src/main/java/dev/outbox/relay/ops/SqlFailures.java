package dev.outbox.relay.ops;

import dev.outbox.relay.Database;
import dev.outbox.relay.RelayException;
import java.sql.SQLException;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Says in one line what PostgreSQL objects to. */
final class SqlFailures {

    /** Unknown function, table, column or schema. */
    private static final Set<String> UNKNOWN_NAME_STATES = Set.of("42883", "42P01", "42703", "3F000");

    private static final String RIGHT_MISSING_STATE = "42501";

    private SqlFailures() {}

    static RelayException of(String operation, Database database, SQLException failure) {
        String state = String.valueOf(failure.getSQLState());
        ServerErrorMessage server = failure instanceof PSQLException e ? e.getServerErrorMessage() : null;
        Optional<OperationRefusedException.Reason> refusal = refusal(state);
        if (refusal.isPresent()) {
            return OperationRefusedException.of(refusal.get(), line(server, failure));
        }
        if (UNKNOWN_NAME_STATES.contains(state)) {
            return new RelayException(
                    "Outbox is not there, or older than this program: schema=" + database.schema()
                            + "; run 'outbox migrate'",
                    failure);
        }
        if (RIGHT_MISSING_STATE.equals(state)) {
            return new RelayException(
                    "Role may not do this: operation=" + operation + ", user=" + database.user()
                            + "; who is to look needs outbox_auditor, who is to change something outbox_operator",
                    failure);
        }
        return new RelayException(
                "Operation failed: operation=" + operation + ", database=" + database.url() + ", user="
                        + database.user(),
                failure);
    }

    private static Optional<OperationRefusedException.Reason> refusal(String state) {
        for (OperationRefusedException.Reason reason : OperationRefusedException.Reason.values()) {
            if (reason.sqlState().equals(state)) {
                return Optional.of(reason);
            }
        }
        return Optional.empty();
    }

    private static String line(@Nullable ServerErrorMessage server, SQLException failure) {
        if (server == null) {
            return String.valueOf(failure.getMessage());
        }
        String hint = server.getHint();
        return hint == null || hint.isEmpty()
                ? String.valueOf(server.getMessage())
                : server.getMessage() + "; " + hint.substring(0, 1).toLowerCase(Locale.ROOT)
                        + hint.substring(1).replaceFirst("\\.$", "");
    }
}
