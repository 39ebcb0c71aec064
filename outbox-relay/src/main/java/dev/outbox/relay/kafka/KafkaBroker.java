package dev.outbox.relay.kafka;

import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.BrokerSession;
import dev.outbox.relay.broker.BrokerUnavailableException;
import dev.outbox.relay.broker.Envelope;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A Kafka cluster. Each session is an idempotent producer of its own with {@code acks=all}.
 *
 * <p>Thread-safe.
 */
public final class KafkaBroker implements Broker {

    private static final Map<String, Object> DEFAULTS = Map.of(
            ProducerConfig.LINGER_MS_CONFIG,
            0,
            ProducerConfig.BATCH_SIZE_CONFIG,
            256 * 1024,
            ProducerConfig.BUFFER_MEMORY_CONFIG,
            64L * 1024 * 1024,
            ProducerConfig.COMPRESSION_TYPE_CONFIG,
            "lz4",
            ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG,
            10_000,
            ProducerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG,
            1_000);

    /** What the promises stand on; a setting that would change one of these is refused. */
    private static final Map<String, Object> FIXED = Map.of(
            ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
            true,
            ProducerConfig.ACKS_CONFIG,
            "all",
            ProducerConfig.RETRIES_CONFIG,
            Integer.MAX_VALUE,
            // A record that expires is overtaken by those behind it. The lane's own timer declares the outage instead.
            ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
            Integer.MAX_VALUE,
            ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG,
            ByteArraySerializer.class.getName(),
            ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG,
            ByteArraySerializer.class.getName());

    private final Map<String, Object> config;
    private final Envelope.Format format;
    private final KafkaTopics topics;

    /** Set once the cluster has refused a record for its time: from then on the relay stamps records with its own. */
    private final AtomicBoolean stampNow = new AtomicBoolean();

    private KafkaBroker(Map<String, Object> config, Envelope.Format format) {
        this.config = Map.copyOf(config);
        this.format = format;
        this.topics = new KafkaTopics(this.config);
    }

    /**
     * A cluster to publish to; nothing is connected yet.
     *
     * @param bootstrapServers {@code host:port}, several separated by commas
     * @param properties further producer properties, such as {@code compression.type} or {@code security.protocol}
     * @param format how messages are wrapped
     * @throws IllegalArgumentException if a property would weaken what the relay promises
     */
    public static KafkaBroker of(String bootstrapServers, Map<String, String> properties, Envelope.Format format) {
        Map<String, Object> config = new HashMap<>(DEFAULTS);
        config.putAll(properties);
        for (String fixed : FIXED.keySet()) {
            if (properties.containsKey(fixed)) {
                throw new IllegalArgumentException("Kafka property is set by the relay: " + fixed + "="
                        + FIXED.get(fixed) + " is what its promises stand on; leave it out");
            }
        }
        config.putAll(FIXED);
        if (properties.containsKey(ProducerConfig.TRANSACTIONAL_ID_CONFIG)) {
            throw new IllegalArgumentException("Kafka property is not for the relay: "
                    + ProducerConfig.TRANSACTIONAL_ID_CONFIG + "; it publishes without transactions, leave it out");
        }
        config.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
        try {
            var unused = new ProducerConfig(config);
        } catch (ConfigException e) {
            throw new IllegalArgumentException("Kafka property is not valid: " + e.getMessage(), e);
        }
        return new KafkaBroker(config, format);
    }

    @Override
    public BrokerSession open() {
        try {
            return new KafkaSession(
                    new KafkaProducer<>(topics.withPatience(config)),
                    new Envelope(format),
                    requestBytesMax(),
                    topics,
                    stampNow);
        } catch (KafkaException e) {
            throw new BrokerUnavailableException(
                    "Kafka cannot be reached: servers=" + config.get(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG), e);
        }
    }

    private int requestBytesMax() {
        Object configured = config.get(ProducerConfig.MAX_REQUEST_SIZE_CONFIG);
        return configured == null ? 1024 * 1024 : Integer.parseInt(configured.toString());
    }

    @Override
    public void close() {
        topics.close();
    }
}
