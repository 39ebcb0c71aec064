package dev.outbox.relay.doctor;

import dev.outbox.relay.Database;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/** What the relay's role lacks, and what it may beyond its work. */
final class RoleCheck {

    private static final String SUBJECT = "rights";

    /** What the relay's statements need, table by table. */
    private static final String MISSING = """
            SELECT string_agg(what, ', ')
            FROM (
              SELECT privilege || ' on ' || relation AS what
              FROM (VALUES
                ('message', 'SELECT'),
                ('message_0', 'SELECT'), ('message_1', 'SELECT'), ('message_2', 'SELECT'), ('message_3', 'SELECT'),
                ('message_0', 'TRUNCATE'), ('message_1', 'TRUNCATE'), ('message_2', 'TRUNCATE'), ('message_3', 'TRUNCATE'),
                ('lane', 'SELECT'), ('lane', 'INSERT'), ('lane', 'UPDATE'),
                ('checkpoint', 'SELECT'), ('checkpoint', 'INSERT'), ('checkpoint', 'DELETE'),
                ('relay', 'SELECT'), ('relay', 'INSERT'), ('relay', 'UPDATE'), ('relay', 'DELETE'),
                ('parked', 'SELECT'), ('parked', 'INSERT'), ('parked', 'UPDATE'), ('parked', 'DELETE'),
                ('attempt', 'SELECT'), ('attempt', 'INSERT'), ('attempt', 'DELETE'),
                ('replay', 'SELECT'), ('replay', 'UPDATE'), ('replay', 'DELETE'),
                ('replay_lane', 'SELECT'), ('replay_lane', 'INSERT'), ('replay_lane', 'UPDATE'), ('replay_lane', 'DELETE'),
                ('audit', 'SELECT'), ('audit', 'DELETE'),
                ('segment_log', 'SELECT'), ('segment_log', 'INSERT'), ('segment_log', 'UPDATE')
              ) n (relation, privilege)
              WHERE NOT has_table_privilege(relation, privilege)
              UNION ALL
              SELECT 'USAGE on segment_seq'
              WHERE NOT has_sequence_privilege('segment_seq', 'USAGE')
            ) missing
            """;

    /** A superuser may everything, so the rest is not worth a word. */
    private static final String EXCESS = """
            SELECT CASE WHEN r.rolsuper THEN 'it is a superuser' ELSE (
              SELECT string_agg(what, ', ')
              FROM (
                SELECT 'it may create roles' AS what
                WHERE r.rolcreaterole
                UNION ALL
                SELECT 'it may create databases'
                WHERE r.rolcreatedb
                UNION ALL
                SELECT 'it may read everything that is replicated'
                WHERE r.rolreplication
                UNION ALL
                SELECT 'it owns message, which it can drop'
                FROM pg_class c
                WHERE c.oid = 'message'::regclass AND pg_has_role(c.relowner, 'USAGE')
                UNION ALL
                SELECT privilege || ' on message'
                FROM unnest(ARRAY['INSERT', 'UPDATE', 'DELETE']) privilege
                WHERE has_table_privilege('message', privilege)
                UNION ALL
                SELECT 'SELECT on ' || count(*) || ' tables outside the outbox, such as ' || min(c.oid::regclass::text)
                FROM pg_class c
                JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relkind IN ('r', 'p') AND n.nspname <> current_schema()
                  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'
                  AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
                HAVING count(*) > 0
              ) more
            ) END
            FROM pg_roles r
            WHERE r.rolname = current_user
            """;

    private RoleCheck() {}

    static List<Finding> run(Connection connection, Database database) throws SQLException {
        String missing = DatabaseCheck.ask(connection, MISSING);
        if (!missing.isEmpty()) {
            return List.of(Finding.failed(
                    SUBJECT,
                    "the role lacks " + missing + "; make it a member of outbox_relay: GRANT outbox_relay TO "
                            + database.user()));
        }
        String excess = DatabaseCheck.ask(connection, EXCESS);
        return List.of(
                excess.isEmpty()
                        ? Finding.ok(SUBJECT, "the role may do what a relay does, and no more")
                        : Finding.warning(
                                SUBJECT,
                                "the role may do what a relay does, and more: " + excess
                                        + "; give the relay a login of its own that is a member of outbox_relay only"));
    }
}
