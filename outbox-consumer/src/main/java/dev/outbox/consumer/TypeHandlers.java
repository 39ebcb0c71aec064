package dev.outbox.consumer;

import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The handlers of one type of event: one for every version, or one for each of some major versions. Immutable. */
final class TypeHandlers {

    private final String type;
    private final @Nullable JdbcEventHandler every;
    private final SortedMap<Integer, Typed<?>> byMajor;

    private TypeHandlers(String type, @Nullable JdbcEventHandler every, SortedMap<Integer, Typed<?>> byMajor) {
        this.type = type;
        this.every = every;
        this.byMajor = byMajor;
    }

    static TypeHandlers none(String type) {
        return new TypeHandlers(type, null, Collections.emptySortedMap());
    }

    TypeHandlers with(JdbcEventHandler handler) {
        if (every != null || !byMajor.isEmpty()) {
            throw refused("has one already");
        }
        return new TypeHandlers(type, handler, byMajor);
    }

    <T> TypeHandlers with(int major, Class<T> payload, JdbcPayloadHandler<T> handler) {
        if (major < 0 || major > Version.MAX) {
            throw refused("field=major, limit=0.." + Version.MAX + ", actual=" + major);
        }
        if (every != null) {
            throw refused("has one for every version already");
        }
        SortedMap<Integer, Typed<?>> more = new TreeMap<>(byMajor);
        if (more.put(major, new Typed<>(payload, handler)) != null) {
            throw refused("has one for major=" + major + " already");
        }
        return new TypeHandlers(type, null, Collections.unmodifiableSortedMap(more));
    }

    private IllegalArgumentException refused(String what) {
        return new IllegalArgumentException("Handler refused: type=" + type + " " + what);
    }

    /**
     * The handler of an event, with the payload read.
     *
     * @throws UnsupportedVersionException if no handler is there for its version
     * @throws UnreadablePayloadException if its payload cannot be read
     */
    JdbcEventHandler prepare(ReceivedEvent event, PayloadReader reader) throws InterruptedException {
        if (every != null) {
            return every;
        }
        Typed<?> typed = Version.parse(event.version())
                .map(version -> byMajor.get(version.major()))
                .orElseThrow(() -> new UnsupportedVersionException(event, supported()));
        return typed.prepare(event, reader);
    }

    private List<String> supported() {
        return byMajor.keySet().stream().map(major -> major + ".x").toList();
    }

    private record Typed<T>(Class<T> payload, JdbcPayloadHandler<T> handler) {

        JdbcEventHandler prepare(ReceivedEvent event, PayloadReader reader) throws InterruptedException {
            byte[] json = event.data();
            if (json == null) {
                throw UnreadablePayloadException.of(event, "it is a tombstone, for a handler without a payload class");
            }
            if (!EventReader.isJson(event.contentType())) {
                throw UnreadablePayloadException.of(
                        event, "contentType=" + event.contentType() + ", for a handler without a payload class");
            }
            T read = read(event, json, reader);
            return (same, connection) -> handler.handle(same, read, connection);
        }

        private T read(ReceivedEvent event, byte[] json, PayloadReader reader) throws InterruptedException {
            String what = "class=" + payload.getSimpleName();
            T read;
            try {
                read = reader.read(json, payload);
            } catch (InterruptedException e) {
                throw e;
            } catch (Exception e) {
                throw UnreadablePayloadException.of(event, what, e);
            }
            if (read == null) {
                throw UnreadablePayloadException.of(event, what + ", it is null");
            }
            return read;
        }
    }
}
