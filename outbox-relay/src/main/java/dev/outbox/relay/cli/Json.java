package dev.outbox.relay.cli;

import dev.outbox.relay.ops.JsonText;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonWriteFeature;

/**
 * Rows for scripts: an array with an object for each record, on a line of its own, its members called like the components.
 * Only ASCII is written, so that no locale spoils it. Times are ISO 8601 in UTC, lengths of time are seconds, and nothing is left out: what is not there is null.
 */
final class Json {

    private static final JsonFactory JSON =
            JsonFactory.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

    private Json() {}

    static void print(PrintWriter out, List<? extends Record> rows) {
        out.print("[");
        for (int i = 0; i < rows.size(); i++) {
            out.print(i == 0 ? "" : ",\n ");
            StringWriter text = new StringWriter();
            try (JsonGenerator generator = JSON.createGenerator(ObjectWriteContext.empty(), text)) {
                write(generator, rows.get(i));
            }
            out.print(text);
        }
        out.println("]");
        out.flush();
    }

    private static void write(JsonGenerator generator, @Nullable Object value) {
        if (value == null) {
            generator.writeNull();
        } else if (value instanceof Boolean truth) {
            generator.writeBoolean(truth);
        } else if (value instanceof Long || value instanceof Integer) {
            generator.writeNumber(((Number) value).longValue());
        } else if (value instanceof Duration length) {
            generator.writeNumber(BigDecimal.valueOf(length.toNanos() / 1000, 6));
        } else if (value instanceof JsonText json) {
            generator.writeRawValue(json.text());
        } else if (value instanceof List<?> list) {
            generator.writeStartArray();
            list.forEach(each -> write(generator, each));
            generator.writeEndArray();
        } else if (value instanceof Record object) {
            generator.writeStartObject();
            for (RecordComponent component : object.getClass().getRecordComponents()) {
                generator.writeName(component.getName());
                write(generator, component(object, component));
            }
            generator.writeEndObject();
        } else {
            generator.writeString(value.toString());
        }
    }

    private static @Nullable Object component(Record object, RecordComponent component) {
        try {
            component.getAccessor().setAccessible(true);
            return component.getAccessor().invoke(object);
        } catch (IllegalAccessException | InvocationTargetException e) {
            throw new IllegalStateException("Record cannot be read: component=" + component, e);
        }
    }
}
