package dev.outbox.consumer;

import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The handlers of one type of event: one for every version, or one for each of some major versions and upcasters to
 * them. Immutable.
 */
final class TypeHandlers {

    private final String type;
    private final @Nullable JdbcEventHandler every;
    private final SortedMap<Integer, Typed<?>> byMajor;
    private final Upcasters upcasters;

    private TypeHandlers(
            String type, @Nullable JdbcEventHandler every, SortedMap<Integer, Typed<?>> byMajor, Upcasters upcasters) {
        this.type = type;
        this.every = every;
        this.byMajor = byMajor;
        this.upcasters = upcasters;
    }

    static TypeHandlers none(String type) {
        return new TypeHandlers(type, null, Collections.emptySortedMap(), Upcasters.none());
    }

    TypeHandlers with(JdbcEventHandler handler) {
        if (every != null || !byMajor.isEmpty()) {
            throw refused("has one already");
        }
        if (!upcasters.isEmpty()) {
            throw refused("has upcasters, which need a handler with a payload class");
        }
        return new TypeHandlers(type, handler, byMajor, upcasters);
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
        return new TypeHandlers(type, null, Collections.unmodifiableSortedMap(more), upcasters);
    }

    TypeHandlers with(String from, String to, Upcaster upcaster) {
        if (every != null) {
            throw Upcasters.refused(type, "has a handler for every version, which gets them as they came");
        }
        return new TypeHandlers(type, null, byMajor, upcasters.with(type, from, to, upcaster));
    }

    /** Whether there are upcasters at most. */
    boolean isEmpty() {
        return every == null && byMajor.isEmpty();
    }

    private IllegalArgumentException refused(String what) {
        return new IllegalArgumentException("Handler refused: type=" + type + " " + what);
    }

    /**
     * The handler of an event, with the payload read.
     *
     * @throws UnsupportedVersionException if no handler is there for its version, nor a chain of upcasters to one
     * @throws UnreadablePayloadException if its payload cannot be read
     */
    JdbcEventHandler prepare(ReceivedEvent event, PayloadReader reader) throws InterruptedException {
        if (every != null) {
            return every;
        }
        Upcasters.Way way = way(event);
        return typed(way).prepare(event, way.steps(), reader);
    }

    /** Describes how the event gets to its handler, to be read behind its version. */
    String describe(ReceivedEvent event) {
        if (every != null) {
            return ", whose handler is for every version";
        }
        Upcasters.Way way = way(event);
        String steps = way.steps().stream().map(step -> " -> " + step.to()).collect(Collectors.joining());
        return steps + " as " + typed(way).payload().getSimpleName();
    }

    private Upcasters.Way way(ReceivedEvent event) {
        return Version.parse(event.version())
                .flatMap(version -> upcasters.way(version, byMajor.keySet()))
                .orElseThrow(() -> new UnsupportedVersionException(event, upcasters.reaching(byMajor.keySet())));
    }

    private Typed<?> typed(Upcasters.Way way) {
        return Objects.requireNonNull(byMajor.get(way.major()), "a way leads to a handler");
    }

    private record Typed<T>(Class<T> payload, JdbcPayloadHandler<T> handler) {

        JdbcEventHandler prepare(ReceivedEvent event, List<Upcasters.Step> steps, PayloadReader reader)
                throws InterruptedException {
            byte[] json = event.data();
            if (json == null) {
                throw UnreadablePayloadException.of(event, "it is a tombstone, for a handler without a payload class");
            }
            if (!EventReader.isJson(event.contentType())) {
                throw UnreadablePayloadException.of(
                        event, "contentType=" + event.contentType() + ", for a handler without a payload class");
            }
            T read = read(event, steps.isEmpty() ? json : Upcasters.upcast(event, json, steps), reader);
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
