package dev.outbox.consumer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.cfg.JsonNodeFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The upcasters of one type of event. From each version there is one at most, and each leads to a newer version, so from
 * every version there is one way, and it ends. Immutable.
 */
final class Upcasters {

    /** Keeps the digits of every number. */
    private static final JsonMapper TREES = JsonMapper.builder()
            .enable(JsonNodeFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();

    private final NavigableMap<Version, Step> byFrom;

    private Upcasters(NavigableMap<Version, Step> byFrom) {
        this.byFrom = byFrom;
    }

    /** One upcaster: from this version to that. */
    record Step(Version from, Version to, Upcaster upcaster) {

        @Override
        public String toString() {
            return from + "->" + to;
        }
    }

    /** The way of an event to the handler of this major version; no steps if it goes there as it is. */
    record Way(int major, List<Step> steps) {}

    static Upcasters none() {
        return new Upcasters(Collections.emptyNavigableMap());
    }

    boolean isEmpty() {
        return byFrom.isEmpty();
    }

    Upcasters with(String type, String from, String to, Upcaster upcaster) {
        Step step = new Step(version(type, "from", from), version(type, "to", to), upcaster);
        if (step.from().compareTo(step.to()) >= 0) {
            throw refused(
                    type,
                    "leads from=" + step.from() + " to=" + step.to()
                            + ", which is not newer; each must lead to a newer version, so that chains end");
        }
        NavigableMap<Version, Step> more = new TreeMap<>(byFrom);
        Step other = more.put(step.from(), step);
        if (other != null) {
            throw refused(
                    type,
                    "has one from=" + step.from() + " to=" + other.to() + " already; from a version there is one way");
        }
        return new Upcasters(Collections.unmodifiableNavigableMap(more));
    }

    private static Version version(String type, String field, String text) {
        return Version.parse(text)
                .orElseThrow(() -> refused(type, "has " + field + "=" + text + ", which is not MAJOR.MINOR"));
    }

    static IllegalArgumentException refused(String type, String what) {
        return new IllegalArgumentException("Upcaster refused: type=" + type + " " + what);
    }

    /**
     * Finds the way from a version to the first of these majors that it comes by, and there as far as it goes. A minor
     * version newer than all that are known of its major starts where the newest of them does: it only adds to it.
     */
    Optional<Way> way(Version version, Set<Integer> majors) {
        List<Step> steps = new ArrayList<>();
        Version at = known(version);
        for (Step next = byFrom.get(at); next != null; next = byFrom.get(at)) {
            if (majors.contains(at.major()) && next.to().major() != at.major()) {
                break;
            }
            steps.add(next);
            at = next.to();
        }
        return majors.contains(at.major()) ? Optional.of(new Way(at.major(), steps)) : Optional.empty();
    }

    private Version known(Version version) {
        Optional<Version> newest = newest(version.major());
        return newest.isPresent() && version.compareTo(newest.get()) > 0 ? newest.get() : version;
    }

    private Optional<Version> newest(int major) {
        return byFrom.values().stream()
                .flatMap(step -> Stream.of(step.from(), step.to()))
                .filter(each -> each.major() == major)
                .max(Version::compareTo);
    }

    /** What reaches one of these majors, oldest first. */
    List<String> reaching(Set<Integer> majors) {
        NavigableMap<Version, String> reaching = new TreeMap<>();
        for (Version from : byFrom.keySet()) {
            if (way(from, majors).isPresent()) {
                boolean newest = newest(from.major()).filter(from::equals).isPresent();
                reaching.put(from, newest ? from + "+" : from.toString());
            }
        }
        reaching.keySet().removeIf(version -> majors.contains(version.major()));
        majors.forEach(major -> reaching.put(new Version(major, 0), major + ".x"));
        return List.copyOf(reaching.values());
    }

    /**
     * Takes the payload of an event through these steps.
     *
     * @throws UnreadablePayloadException if it is not a JSON object, or a step failed
     */
    static byte[] upcast(ReceivedEvent event, byte[] json, List<Step> steps) throws InterruptedException {
        ObjectNode data = object(event, json);
        for (Step each : steps) {
            data = upcast(event, data, each);
        }
        return TREES.writeValueAsBytes(data);
    }

    private static ObjectNode object(ReceivedEvent event, byte[] json) {
        JsonNode data;
        try {
            data = TREES.readTree(json);
        } catch (Exception e) {
            throw UnreadablePayloadException.of(event, "it is not JSON", e);
        }
        if (data instanceof ObjectNode object) {
            return object;
        }
        throw UnreadablePayloadException.of(event, "it is not a JSON object, which upcasters need");
    }

    private static ObjectNode upcast(ReceivedEvent event, ObjectNode data, Step step) throws InterruptedException {
        @Nullable ObjectNode next;
        try {
            next = step.upcaster().upcast(data);
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception e) {
            throw UnreadablePayloadException.of(event, "upcaster=" + step, e);
        }
        if (next == null) {
            throw UnreadablePayloadException.of(event, "upcaster=" + step + ", it returned null");
        }
        return next;
    }
}
