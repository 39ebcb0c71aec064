package dev.outbox.relay.kafka;

import dev.outbox.relay.broker.BrokerSession;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import dev.outbox.relay.broker.MessageHeaders;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.jspecify.annotations.Nullable;

/** One producer, fed by one lane. */
final class KafkaSession implements BrokerSession {

    /** A record's own fields, at most; the producer's limit counts them too. */
    private static final int RECORD_OVERHEAD_BYTES = 90;

    private static final int FIXED_HEADERS = 9;

    /** A time further off than this would have the broker refuse the record (KIP-937) or delete it at once. */
    private static final long BEHIND_MS_MAX = Duration.ofDays(1).toMillis();

    private static final long AHEAD_MS_MAX = Duration.ofMinutes(30).toMillis();

    private final Producer<byte[], byte[]> producer;
    private final Envelope envelope;
    private final int requestBytesMax;
    private final KafkaTopics topics;
    private final AtomicBoolean stampNow;
    private final Map<String, String[]> destinations = new HashMap<>();

    /** What {@code send} itself was told, on its own thread; the producer reports such failures through the callback. */
    private @Nullable Throwable refusal;

    private @Nullable Thread sending;

    KafkaSession(
            Producer<byte[], byte[]> producer,
            Envelope envelope,
            int requestBytesMax,
            KafkaTopics topics,
            AtomicBoolean stampNow) {
        this.producer = producer;
        this.envelope = envelope;
        this.requestBytesMax = requestBytesMax;
        this.topics = topics;
        this.stampNow = stampNow;
    }

    @Override
    public Optional<Failure> send(Message message, Delivery delivery) {
        Optional<Failure> missing = topics.missing(message.topic());
        if (missing.isPresent()) {
            return missing;
        }
        ProducerRecord<byte[], byte[]> producerRecord;
        try {
            producerRecord = producerRecord(message);
        } catch (IllegalArgumentException e) {
            return Optional.of(Failure.of(Failure.Kind.MESSAGE, e));
        }
        // A record is at most about twice as large as what it is made of, so few are measured.
        if (message.sizeBytes() > requestBytesMax / 2 && size(producerRecord) > requestBytesMax) {
            return Optional.of(new Failure(
                    Failure.Kind.MESSAGE,
                    "RecordTooLarge",
                    "the record has " + size(producerRecord) + " bytes, max.request.size is " + requestBytesMax
                            + "; raise it here and max.message.bytes of the topic, or make the message smaller"));
        }
        refusal = null;
        sending = Thread.currentThread();
        try {
            var unused = producer.send(producerRecord, new Answer(delivery));
        } catch (KafkaException | IllegalStateException e) {
            refusal = e;
        } finally {
            sending = null;
        }
        if (refusal instanceof TimeoutException) {
            return Optional.of(topics.unheardOf(message.topic()).orElse(KafkaFailures.of(refusal)));
        }
        return refusal == null ? Optional.empty() : Optional.of(KafkaFailures.of(refusal));
    }

    private ProducerRecord<byte[], byte[]> producerRecord(Message message) {
        MessageHeaders custom = MessageHeaders.of(message);
        byte[] occurredAt = MessageHeaders.timestamp(message);
        List<Header> headers = new ArrayList<>(FIXED_HEADERS + custom.entries().size());
        headers.add(new RecordHeader("event-id", message.id()));
        headers.add(new RecordHeader("event-type", message.type()));
        headers.add(new RecordHeader("event-version", message.version()));
        headers.add(new RecordHeader("occurred-at", occurredAt));
        headers.add(new RecordHeader("sequence", Long.toString(message.seq()).getBytes(StandardCharsets.US_ASCII)));
        if (message.correlationId() != null) {
            headers.add(new RecordHeader("correlation-id", message.correlationId()));
        }
        if (message.causationId() != null) {
            headers.add(new RecordHeader("causation-id", message.causationId()));
        }
        headers.add(new RecordHeader("source-service", message.source()));
        headers.add(new RecordHeader("content-type", message.contentType()));
        for (MessageHeaders.Entry entry : custom.entries()) {
            headers.add(new RecordHeader(entry.name(), entry.value()));
        }
        return new ProducerRecord<>(
                message.topic(),
                null,
                timestamp(message),
                message.key(),
                envelope.value(message, custom, occurredAt),
                headers);
    }

    private long timestamp(Message message) {
        long now = System.currentTimeMillis();
        long occurred = Math.floorDiv(message.occurredAtMicros(), 1000);
        return stampNow.get() || occurred > now + AHEAD_MS_MAX || occurred < now - BEHIND_MS_MAX ? now : occurred;
    }

    private static int size(ProducerRecord<byte[], byte[]> producerRecord) {
        int bytes = RECORD_OVERHEAD_BYTES;
        bytes += producerRecord.key() == null ? 0 : producerRecord.key().length;
        bytes += producerRecord.value() == null ? 0 : producerRecord.value().length;
        for (var header : producerRecord.headers()) {
            bytes += 10 + header.key().length() + header.value().length;
        }
        return bytes;
    }

    @Override
    public Map<String, Failure> missing(Set<String> silent) {
        return topics.missing(silent);
    }

    /** Nothing to do: the producer sends as soon as a broker is free to take a batch. */
    @Override
    public void flush() {}

    @Override
    public void close() {
        producer.close(Duration.ZERO);
    }

    private final class Answer implements Callback {
        private final Delivery delivery;

        Answer(Delivery delivery) {
            this.delivery = delivery;
        }

        @Override
        public void onCompletion(RecordMetadata metadata, @Nullable Exception exception) {
            if (exception == null) {
                delivery.accepted(destination(metadata.topic(), metadata.partition()), metadata.offset());
            } else if (exception instanceof InvalidTimestampException) {
                // An outage: all goes again, under the relay's own time. If that is refused too, its clock is wrong.
                stampNow.set(true);
                delivery.failed(KafkaFailures.of(exception));
            } else if (Thread.currentThread() == sending) {
                refusal = exception;
            } else {
                delivery.failed(KafkaFailures.of(exception));
            }
        }
    }

    /** Called on the producer's one thread. */
    private String destination(String topic, int partition) {
        String[] names = destinations.get(topic);
        if (names == null || names.length <= partition) {
            names = names == null ? new String[partition + 1] : Arrays.copyOf(names, partition + 1);
            destinations.put(topic, names);
        }
        String name = names[partition];
        if (name == null) {
            name = topic + "-" + partition;
            names[partition] = name;
        }
        return name;
    }
}
