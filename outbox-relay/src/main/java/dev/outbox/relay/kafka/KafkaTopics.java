package dev.outbox.relay.kafka;

import dev.outbox.relay.broker.Failure;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.jspecify.annotations.Nullable;

/**
 * Which topics of a cluster are there. The producer does not tell: for a topic that it does not know it blocks, and records for one
 * that is deleted it keeps for ever. So each topic is asked for once, before the first record, and again when nothing is heard of
 * it.
 *
 * <p>Thread-safe; shared by the sessions of a broker.
 */
final class KafkaTopics implements AutoCloseable {

    private static final Duration ANSWER_MAX = Duration.ofSeconds(5);

    /** How long a cluster that makes topics at first use may take for it. */
    private static final Duration CREATION_MAX = Duration.ofSeconds(3);

    /** Nobody is asked for a topic more often than this, once it is known. */
    private static final Duration ASK_INTERVAL = Duration.ofSeconds(1);

    /** How long a producer blocks the lane for a topic that it does not find; longer once a cluster turns out to be slow. */
    private static final int PATIENCE_FIRST_MS = 2_000;

    private static final int PATIENCE_LONGEST_MS = 30_000;

    /** How long a lane that tries a missing topic waits for news: a topic that is back need not wait for the next try. */
    private static final Duration NEWS_MAX = Duration.ofMillis(200);

    private static final int KNOWN_MAX = 10_000;

    private final Map<String, Object> producerConfig;
    private final Set<String> there = ConcurrentHashMap.newKeySet();

    /** Topics that were there and that a broker, perhaps just started, once did not know. */
    private final Set<String> doubted = ConcurrentHashMap.newKeySet();

    private final Map<String, Failure> missing = new ConcurrentHashMap<>();
    private final Map<String, Long> askedAtNanos = new ConcurrentHashMap<>();

    private final AtomicInteger patienceMs = new AtomicInteger(PATIENCE_FIRST_MS);

    // Made when it is first needed, under this object's lock.
    private @Nullable Admin admin;

    KafkaTopics(Map<String, Object> producerConfig) {
        this.producerConfig = Map.copyOf(producerConfig);
    }

    /**
     * Why nothing can be sent to this topic; empty if it is there. Waits for the cluster's answer when the topic is not known yet;
     * for one that is missing it asks again, and waits a moment for better news.
     */
    Optional<Failure> missing(String topic) {
        if (there.contains(topic)) {
            return Optional.empty();
        }
        try {
            if (missing.containsKey(topic)) {
                askBeside(topic)
                        .completeOnTimeout(false, NEWS_MAX.toMillis(), TimeUnit.MILLISECONDS)
                        .join();
                return Optional.ofNullable(missing.get(topic));
            }
            Optional<Failure> answer = answer(topic);
            return answer.isPresent() && isUnknown(answer.get()) && isCreated(topic) ? Optional.empty() : answer;
        } catch (KafkaException e) {
            return Optional.of(KafkaFailures.of(e));
        }
    }

    /** The configuration of a producer that does not wait longer for a topic than it must; an explicit setting counts. */
    Map<String, Object> withPatience(Map<String, Object> config) {
        Map<String, Object> patient = new HashMap<>(config);
        patient.putIfAbsent(ProducerConfig.MAX_BLOCK_MS_CONFIG, patienceMs.get());
        return patient;
    }

    /** A producer did not find this topic in time. Waits for the answer; empty when the topic is there or nobody can tell. */
    Optional<Failure> unheardOf(String topic) {
        doubted.add(topic);
        try {
            Optional<Failure> answer = answer(topic);
            if (answer.isEmpty()) {
                patienceMs.updateAndGet(ms -> Math.min(PATIENCE_LONGEST_MS, ms * 2));
            }
            return answer;
        } catch (KafkaException e) {
            return Optional.empty(); // the outage that the producer's own error tells of
        }
    }

    /** Those of these topics that are found to be missing. Answers at once with what is known, and asks beside that. */
    Map<String, Failure> missing(Collection<String> suspects) {
        Map<String, Failure> found = new HashMap<>();
        for (String topic : suspects) {
            Failure failure = missing.get(topic);
            if (failure == null) {
                var unused = askBeside(topic);
            } else {
                found.put(topic, failure);
            }
        }
        return found;
    }

    /** Asks, unless it was asked just now; completes with whether there is an answer. */
    private CompletableFuture<Boolean> askBeside(String topic) {
        long now = System.nanoTime();
        Long asked = askedAtNanos.get(topic);
        return asked != null && now - asked < ASK_INTERVAL.toNanos()
                ? CompletableFuture.completedFuture(false)
                : ask(topic).handle((answer, thrown) -> thrown == null);
    }

    /** Completes exceptionally when the cluster does not answer; then nothing new is known. */
    private CompletableFuture<Optional<Failure>> ask(String topic) {
        if (askedAtNanos.size() >= KNOWN_MAX) {
            askedAtNanos.clear();
            there.clear();
            doubted.clear();
            missing.clear();
        }
        askedAtNanos.put(topic, System.nanoTime());
        var described = admin().describeTopics(List.of(topic)).topicNameValues();
        return Objects.requireNonNull(described.get(topic))
                .toCompletionStage()
                .toCompletableFuture()
                .handle((description, thrown) -> {
                    if (thrown == null) {
                        isThere(topic);
                        return Optional.<Failure>empty();
                    }
                    Failure failure = KafkaFailures.of(thrown);
                    if (failure.kind() == Failure.Kind.OUTAGE) {
                        throw new KafkaException("Kafka did not tell of a topic: topic=" + topic, thrown);
                    }
                    if (isUnknown(failure) && there.contains(topic) && doubted.add(topic)) {
                        return Optional.<Failure>empty();
                    }
                    Failure told = new Failure(
                            failure.kind(), failure.errorClass(), "topic " + topic + ": " + failure.error());
                    missing.put(topic, told);
                    there.remove(topic);
                    return Optional.of(told);
                });
    }

    private Optional<Failure> answer(String topic) {
        try {
            return ask(topic).get(ANSWER_MAX.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof KafkaException kafka ? kafka : new KafkaException(e.getCause());
        } catch (TimeoutException e) {
            throw new KafkaException("Kafka did not tell of a topic within " + ANSWER_MAX + ": topic=" + topic, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new KafkaException("Interrupted while Kafka was asked for a topic: topic=" + topic, e);
        }
    }

    private void isThere(String topic) {
        missing.remove(topic);
        doubted.remove(topic);
        there.add(topic);
    }

    private static boolean isUnknown(Failure failure) {
        return failure.errorClass().equals(UnknownTopicOrPartitionException.class.getSimpleName());
    }

    /** Whether the cluster makes the topic because a producer asks for it. Only a producer's question does so. */
    private boolean isCreated(String topic) {
        Map<String, Object> config = new HashMap<>(producerConfig);
        config.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, (int) CREATION_MAX.toMillis());
        try (KafkaProducer<byte[], byte[]> asking = new KafkaProducer<>(config)) {
            boolean created = !asking.partitionsFor(topic).isEmpty();
            if (created) {
                isThere(topic);
            }
            return created;
        } catch (org.apache.kafka.common.errors.TimeoutException e) {
            return false;
        }
    }

    private synchronized Admin admin() {
        if (admin == null) {
            Map<String, Object> config = new HashMap<>(producerConfig);
            config.keySet().retainAll(AdminClientConfig.configNames());
            config.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) ANSWER_MAX.toMillis());
            config.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) ANSWER_MAX.toMillis());
            config.remove(AdminClientConfig.METRIC_REPORTER_CLASSES_CONFIG);
            admin = Admin.create(config);
        }
        return admin;
    }

    @Override
    public synchronized void close() {
        if (admin != null) {
            admin.close(Duration.ZERO);
        }
    }
}
