package dev.outbox.testkit.history;

import dev.outbox.testkit.TestDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The migrations as psql would run them. */
final class OutboxSchema {

    private static final List<String> SCRIPTS = List.of(
            "V1__message.sql",
            "V2__relay.sql",
            "V3__append.sql",
            "V4__retries.sql",
            "V5__questions.sql",
            "V6__operations.sql",
            "V7__roles.sql");

    static void create(TestDatabase database, String schema) {
        StringBuilder script =
                new StringBuilder("create schema " + schema + "; set local search_path = " + schema + ";\n");
        for (String name : SCRIPTS) {
            try (InputStream stream = OutboxSchema.class.getResourceAsStream("/dev/outbox/db/migration/" + name)) {
                if (stream == null) {
                    throw new IllegalStateException("No such migration on the classpath: " + name);
                }
                script.append(new String(stream.readAllBytes(), StandardCharsets.UTF_8));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        database.execute(script.toString());
    }

    private OutboxSchema() {}
}
