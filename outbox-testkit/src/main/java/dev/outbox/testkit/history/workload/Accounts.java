package dev.outbox.testkit.history.workload;

import dev.outbox.testkit.history.UnknownResolver;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashSet;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import javax.sql.DataSource;

/** The domain tables of the workload: they serialise the writers of a key, and know what was really committed. */
final class Accounts implements UnknownResolver {

    private static final String CREATE = """
            create schema if not exists %1$s;
            create table if not exists %1$s.account (
              key     text   not null,
              version bigint not null default 0,
              constraint account_pk primary key (key)
            ) with (fillfactor = 50);
            create table if not exists %1$s.account_change (
              id      uuid   not null,
              key     text   not null,
              version bigint not null,
              constraint account_change_pk primary key (id)
            );
            create table if not exists %1$s.visit (
              writer integer not null
            );
            """;

    private static final String FILL = """
            insert into %1$s.account (key)
            select 'account-' || n
              from generate_series(0, ? - 1) n
                on conflict do nothing
            """;

    private static final String LOCK = """
            select version
              from %1$s.account
             where key = ?
               for update
            """;

    private static final String READ = """
            select version
              from %1$s.account
             where key = ?
            """;

    private static final String VISIT = """
            insert into %1$s.visit (writer)
            values (?)
            """;

    private static final String MOVE = """
            with moved as (
              update %1$s.account
                 set version = version + 1
               where key = ?
              returning key, version
            ), noted as (
              insert into %1$s.account_change (id, key, version)
              select ?, key, version
                from moved
            )
            select version, pg_current_xact_id()::text::bigint
              from moved
            """;

    private static final String MOVE_FROM = """
            with moved as (
              update %1$s.account
                 set version = version + 1
               where key = ?
                 and version = ?
              returning key, version
            ), noted as (
              insert into %1$s.account_change (id, key, version)
              select ?, key, version
                from moved
            )
            select version
              from moved
            """;

    private static final String COMMITTED_OF = """
            select id
              from %1$s.account_change
             where id = any(?)
            """;

    private static final Pattern SCHEMA = Pattern.compile("[a-z_][a-z0-9_]{0,62}");

    /** What a key's row became, and in which transaction. */
    record Moved(long version, long xid) {}

    private final DataSource source;
    private final String schema;
    private final String lock;
    private final String read;
    private final String visit;
    private final String move;
    private final String moveFrom;

    Accounts(DataSource source, String schema) {
        this.source = source;
        this.schema = validated(schema);
        lock = LOCK.formatted(schema);
        read = READ.formatted(schema);
        visit = VISIT.formatted(schema);
        move = MOVE.formatted(schema);
        moveFrom = MOVE_FROM.formatted(schema);
    }

    /** A schema's name that may be put into SQL. */
    static String validated(String schema) {
        if (!SCHEMA.matcher(schema).matches()) {
            throw new IllegalArgumentException(
                    "Not a schema name: schema=" + schema + "; lower-case letters, digits and underscores, at most 63");
        }
        return schema;
    }

    static String key(int number) {
        return "account-" + number;
    }

    /** Makes the tables and rows that are missing. */
    void create(int keys) {
        try (Connection connection = source.getConnection();
                Statement create = connection.createStatement();
                PreparedStatement fill = connection.prepareStatement(FILL.formatted(schema))) {
            create.execute(CREATE.formatted(schema));
            fill.setInt(1, keys);
            fill.executeUpdate();
        } catch (SQLException e) {
            throw new IllegalStateException("The workload's tables cannot be made: schema=" + schema, e);
        }
    }

    /** Takes the key's row lock and holds it to the end of the transaction. */
    void lock(Connection connection, String key) throws SQLException {
        version(connection, lock, key);
    }

    /** The key's version as committed now; no lock. */
    long read(Connection connection, String key) throws SQLException {
        return version(connection, read, key);
    }

    /** Writes a row nobody else touches, so that the transaction has its xid from here on. */
    void visit(Connection connection, int writer) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(visit)) {
            statement.setInt(1, writer);
            statement.executeUpdate();
        }
    }

    /** Raises the key's version by one and notes that {@code id} belongs to it. */
    Moved move(Connection connection, String key, UUID id) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(move)) {
            statement.setString(1, key);
            statement.setObject(2, id);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return new Moved(row.getLong(1), row.getLong(2));
            }
        }
    }

    /** As {@link #move} if the version still is {@code from}; empty when somebody was faster. */
    OptionalLong moveFrom(Connection connection, String key, long from, UUID id) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(moveFrom)) {
            statement.setString(1, key);
            statement.setLong(2, from);
            statement.setObject(3, id);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? OptionalLong.of(row.getLong(1)) : OptionalLong.empty();
            }
        }
    }

    @Override
    public Set<UUID> committedOf(Set<UUID> unknown) {
        try (Connection connection = source.getConnection();
                PreparedStatement statement = connection.prepareStatement(COMMITTED_OF.formatted(schema))) {
            Array ids = connection.createArrayOf("uuid", unknown.toArray());
            statement.setArray(1, ids);
            try (ResultSet rows = statement.executeQuery()) {
                Set<UUID> committed = new HashSet<>();
                while (rows.next()) {
                    committed.add(rows.getObject(1, UUID.class));
                }
                return committed;
            }
        } catch (SQLException e) {
            throw new IllegalStateException("Unknown outcomes cannot be resolved: messages=" + unknown.size(), e);
        }
    }

    private static long version(Connection connection, String sql, String key) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setString(1, key);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }
    }
}
