package dev.outbox.sample.demo;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Looks into one of the databases, as psql would. */
final class Rows implements AutoCloseable {

    /** A row, with NULL as the text null. */
    record Row(Map<String, String> columns) {

        String get(String column) {
            String value = columns.get(column);
            if (value == null) {
                throw new IllegalArgumentException("No such column: name=" + column);
            }
            return value;
        }
    }

    private final Connection connection;

    Rows(String url, String user, String password) {
        try {
            this.connection = DriverManager.getConnection(url, user, password);
        } catch (SQLException e) {
            throw new IllegalStateException("No connection: url=" + url, e);
        }
    }

    /** The first row, by the names of its columns, all as text; empty if there is none. */
    Optional<Row> first(String sql, Object... parameters) {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int n = 0; n < parameters.length; n++) {
                statement.setObject(n + 1, parameters[n]);
            }
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    return Optional.empty();
                }
                Map<String, String> columns = new LinkedHashMap<>();
                for (int n = 1; n <= row.getMetaData().getColumnCount(); n++) {
                    columns.put(row.getMetaData().getColumnLabel(n), String.valueOf(row.getString(n)));
                }
                return Optional.of(new Row(columns));
            }
        } catch (SQLException e) {
            throw new IllegalStateException("Query failed: sql=" + sql, e);
        }
    }

    /** The one number that the query gives. */
    long number(String sql, Object... parameters) {
        return first(sql, parameters)
                .map(row -> Long.parseLong(row.columns().values().iterator().next()))
                .orElseThrow();
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw new IllegalStateException("Connection not closed", e);
        }
    }
}
