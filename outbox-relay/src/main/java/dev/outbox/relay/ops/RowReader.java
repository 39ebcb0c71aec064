package dev.outbox.relay.ops;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PGInterval;

/**
 * Makes records of rows: a component {@code lastErrorClass} is the column {@code last_error_class}. A column that a newer
 * schema has and the record does not know is left out.
 */
final class RowReader<R extends Record> {

    private static final int SECONDS_PER_MINUTE = 60;
    private static final int SECONDS_PER_HOUR = 3600;
    private static final int SECONDS_PER_DAY = 86_400;
    private static final long NANOS_PER_MICRO = 1000;

    private final RecordComponent[] components;
    private final Constructor<R> constructor;

    private RowReader(RecordComponent[] components, Constructor<R> constructor) {
        this.components = components;
        this.constructor = constructor;
    }

    static <R extends Record> RowReader<R> of(Class<R> type) {
        RecordComponent[] components = type.getRecordComponents();
        try {
            Constructor<R> constructor = type.getDeclaredConstructor(
                    Stream.of(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
            constructor.setAccessible(true);
            return new RowReader<>(components, constructor);
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException("Record has no canonical constructor: type=" + type.getName(), e);
        }
    }

    /** Runs a statement, with its parameters bound: lists are of ids, and an empty one is null. */
    List<R> query(Connection connection, String sql, @Nullable Object... parameters) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                bind(connection, statement, i + 1, parameters[i]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                return all(rows);
            }
        }
    }

    private static void bind(Connection connection, PreparedStatement statement, int index, @Nullable Object value)
            throws SQLException {
        if (value == null || (value instanceof List<?> list && list.isEmpty())) {
            statement.setNull(index, Types.NULL); // of the type that the statement says
        } else if (value instanceof List<?> ids) {
            statement.setArray(index, connection.createArrayOf("uuid", ids.toArray()));
        } else if (value instanceof Instant time) {
            statement.setObject(index, time.atOffset(ZoneOffset.UTC));
        } else {
            statement.setObject(index, value);
        }
    }

    private List<R> all(ResultSet rows) throws SQLException {
        List<R> records = new ArrayList<>();
        while (rows.next()) {
            @Nullable Object[] values = new @Nullable Object[components.length];
            for (int i = 0; i < components.length; i++) {
                values[i] = value(rows, column(components[i].getName()), components[i].getType());
            }
            records.add(made(values));
        }
        return records;
    }

    private R made(@Nullable Object[] values) {
        try {
            return constructor.newInstance(values);
        } catch (InstantiationException | IllegalAccessException | InvocationTargetException e) {
            throw new IllegalStateException("Record cannot be made of a row: type=" + constructor.getName(), e);
        }
    }

    /** {@code lastErrorClass} to {@code last_error_class}. */
    static String column(String component) {
        return component.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }

    private static @Nullable Object value(ResultSet rows, String column, Class<?> type) throws SQLException {
        Object value;
        if (type == long.class || type == Long.class) {
            value = rows.getLong(column);
        } else if (type == int.class || type == Integer.class) {
            value = rows.getInt(column);
        } else if (type == UUID.class) {
            value = rows.getObject(column, UUID.class);
        } else if (type == Instant.class) {
            OffsetDateTime time = rows.getObject(column, OffsetDateTime.class);
            value = time == null ? null : time.toInstant();
        } else if (type == Duration.class) {
            value = rows.getObject(column) instanceof PGInterval interval ? duration(interval) : null;
        } else if (type == JsonText.class) {
            String text = rows.getString(column);
            value = text == null ? null : new JsonText(text);
        } else {
            value = rows.getString(column);
        }
        return rows.wasNull() && !type.isPrimitive() ? null : value;
    }

    /** A difference of two times has days at the most. */
    private static Duration duration(PGInterval interval) {
        return Duration.ofSeconds((long) interval.getDays() * SECONDS_PER_DAY
                        + (long) interval.getHours() * SECONDS_PER_HOUR
                        + (long) interval.getMinutes() * SECONDS_PER_MINUTE
                        + interval.getWholeSeconds())
                .plusNanos(interval.getMicroSeconds() * NANOS_PER_MICRO);
    }
}
