package dev.outbox.relay.broker;

import static dev.outbox.relay.Patience.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What the engine relies on, whatever the broker. */
public abstract class BrokerContract {

    protected static final int SIZE_MAX = 200_000;

    private static final AtomicInteger SEQ = new AtomicInteger();

    /** A message as a consumer gets it; headers by the names that they have in Kafka. */
    @SuppressWarnings("ArrayRecordComponent") // compared by no one
    public record Received(@Nullable String key, byte @Nullable [] value, Map<String, String> headers) {
        String text() {
            return new String(value, StandardCharsets.UTF_8);
        }
    }

    /** A broker that takes messages of at most about {@link #SIZE_MAX} bytes. */
    protected abstract Broker broker(Envelope.Format format);

    /** One that nobody listens for. */
    protected abstract Broker unreachable();

    /** A topic that can be published to, from which {@link #receive} reads all. */
    protected abstract String newTopic();

    /** Everything that was published to a topic, when there are at least so many. */
    protected abstract List<Received> receive(String topic, int count);

    /** Hears the answers for one message. */
    public static final class Answer implements BrokerSession.Delivery {
        private final AtomicInteger answers = new AtomicInteger();
        private volatile @Nullable String destination;
        private volatile @Nullable Failure failure;

        @Override
        public void accepted(String destination, long offset) {
            this.destination = destination;
            answers.incrementAndGet();
        }

        @Override
        public void failed(Failure failure) {
            this.failure = failure;
            answers.incrementAndGet();
        }

        public Optional<Failure> failure() {
            return Optional.ofNullable(failure);
        }

        public boolean accepted() {
            return destination != null;
        }

        public boolean answered() {
            return answers.get() > 0;
        }
    }

    @Test
    void acceptsManyMessagesInFlightEachOnceAndInTheirOrder() {
        String topic = newTopic();
        List<Answer> answers = new ArrayList<>();
        try (Broker broker = broker(Envelope.Format.JSON);
                BrokerSession session = broker.open()) {
            for (int n = 0; n < 3000; n++) {
                Answer answer = new Answer();
                answers.add(answer);
                assertThat(session.send(message(topic, "k", String.valueOf(n)), answer))
                        .isEmpty();
            }
            session.flush();
            await().until(() -> answers.stream().allMatch(Answer::answered));
        }
        assertThat(answers).allSatisfy(answer -> {
            assertThat(answer.failure()).isEmpty();
            assertThat(answer.answers).hasValue(1);
            assertThat(answer.destination).contains(topic);
        });
        assertThat(receive(topic, 3000))
                .extracting(received -> received.text().replaceAll(".*\"data\":(\\d+)}", "$1"))
                .isEqualTo(IntStream.range(0, 3000).mapToObj(String::valueOf).toList());
    }

    @Test
    void saysOfAReplayedMessageWhichReplayItIs() {
        String topic = newTopic();
        sendAll(Envelope.Format.JSON, message("elsewhere", "k", "1").replayed("r-1", topic), message(topic, "k", "2"));
        List<Received> received = receive(topic, 2);
        assertThat(received.get(0).headers()).contains(entry("replay-id", "r-1"));
        assertThat(received.get(1).headers()).doesNotContainKey("replay-id");
    }

    @Test
    void carriesKeyEnvelopeAndHeaders() {
        String topic = newTopic();
        Message message = new Message(
                7,
                bytes("01939c6e-8c5a-7b3c-9d2e-0123456789ab"),
                topic,
                bytes("schlüssel"),
                bytes("order.created"),
                bytes("1.2"),
                1_700_000_000_123_456L,
                bytes("corr"),
                bytes("cause"),
                bytes("shop"),
                bytes(
                        "{\"traceparent\":\"00-1-2-01\",\"event-id\":\"forged\",\"x-sequence\":\"forged\",\"own\":\"ja\"}"),
                bytes("{\"total\": 1}"),
                null,
                bytes("application/json"),
                null);
        sendAll(Envelope.Format.JSON, message);
        Received received = receive(topic, 1).get(0);
        assertThat(received.key()).isEqualTo("schlüssel");
        assertThat(received.text())
                .isEqualTo("{\"eventId\":\"01939c6e-8c5a-7b3c-9d2e-0123456789ab\",\"eventType\":\"order.created\","
                        + "\"eventVersion\":\"1.2\",\"occurredAt\":\"2023-11-14T22:13:20.123456Z\",\"correlationId\":\"corr\","
                        + "\"causationId\":\"cause\",\"source\":{\"service\":\"shop\"},\"data\":{\"total\": 1}}");
        assertThat(received.headers())
                .contains(
                        entry("event-id", "01939c6e-8c5a-7b3c-9d2e-0123456789ab"),
                        entry("event-type", "order.created"),
                        entry("event-version", "1.2"),
                        entry("occurred-at", "2023-11-14T22:13:20.123456Z"),
                        entry("sequence", "7"),
                        entry("correlation-id", "corr"),
                        entry("causation-id", "cause"),
                        entry("source-service", "shop"),
                        entry("content-type", "application/json"),
                        entry("traceparent", "00-1-2-01"),
                        entry("own", "ja"));
    }

    @Test
    void carriesContentThatIsNotJsonAndNoContentAtAll() {
        String topic = newTopic();
        Message avro = content(topic, null, new byte[] {0, 1, -1}, "avro/binary");
        Message empty = content(topic, null, new byte[0], "text/plain");
        Message tombstone = content(topic, null, null, "application/json");
        sendAll(Envelope.Format.JSON, avro, empty, tombstone);
        List<Received> received = receive(topic, 3);
        assertThat(received.get(0).value()).isEqualTo(new byte[] {0, 1, -1});
        assertThat(received.get(0).headers()).contains(entry("content-type", "avro/binary"));
        assertThat(received.get(1).value()).isEmpty();
        assertThat(received.get(2).value()).isNull();
    }

    @Test
    void leavesTheEnvelopeOutWhereItIsNotWanted() {
        String topic = newTopic();
        sendAll(Envelope.Format.NONE, message(topic, "k", "{\"a\":1}"));
        assertThat(receive(topic, 1).get(0).text()).isEqualTo("{\"a\":1}");
    }

    /** At the latest the next session knows what the broker does not take, and the others flow. */
    @Test
    void refusesAMessageThatIsTooLargeAndNoOther() {
        String topic = newTopic();
        Message large = message(topic, "large", "\"" + "x".repeat(SIZE_MAX * 2) + "\"");
        try (Broker broker = broker(Envelope.Format.JSON)) {
            Failure failure = outcome(broker, large).orElseThrow();
            if (failure.kind() == Failure.Kind.OUTAGE) {
                failure = outcome(broker, large).orElseThrow();
            }
            assertThat(failure.kind()).isEqualTo(Failure.Kind.MESSAGE);
            assertThat(failure.error()).contains(String.valueOf(SIZE_MAX));
            assertThat(outcome(broker, message(topic, "k", "\"" + "x".repeat(SIZE_MAX / 2) + "\"")))
                    .isEmpty();
        }
        assertThat(receive(topic, 1)).hasSize(1);
    }

    @Test
    void refusesHeadersThatCannotBeRead() {
        Message odd = new Message(
                1,
                bytes("01939c6e-8c5a-7b3c-9d2e-0123456789ab"),
                newTopic(),
                bytes("k"),
                bytes("a.b"),
                bytes("1.0"),
                0,
                null,
                null,
                bytes("test"),
                bytes("{\"n\":" + "[".repeat(1500) + "]".repeat(1500) + "}"),
                bytes("1"),
                null,
                bytes("application/json"),
                null);
        try (Broker broker = broker(Envelope.Format.JSON)) {
            assertThat(outcome(broker, odd).orElseThrow().kind()).isEqualTo(Failure.Kind.MESSAGE);
        }
    }

    @Test
    void aBrokerThatIsNotThereIsAnOutage() {
        try (Broker broker = unreachable()) {
            assertThat(outcome(broker, message("nowhere", "k", "1"))
                            .orElseThrow()
                            .kind())
                    .isEqualTo(Failure.Kind.OUTAGE);
        }
    }

    /** What came of one message on a session of its own; a session that cannot be opened is an outage. */
    protected static Optional<Failure> outcome(Broker broker, Message message) {
        try (BrokerSession session = broker.open()) {
            Answer answer = new Answer();
            Optional<Failure> refusal = session.send(message, answer);
            if (refusal.isPresent()) {
                assertThat(answer.answered()).isFalse();
                return refusal;
            }
            session.flush();
            await().until(answer::answered);
            return answer.failure();
        } catch (BrokerUnavailableException e) {
            return Optional.of(Failure.of(Failure.Kind.OUTAGE, e));
        }
    }

    private void sendAll(Envelope.Format format, Message... messages) {
        try (Broker broker = broker(format);
                BrokerSession session = broker.open()) {
            List<Answer> answers = new ArrayList<>();
            for (Message message : messages) {
                answers.add(new Answer());
                assertThat(session.send(message, answers.get(answers.size() - 1)))
                        .isEmpty();
            }
            session.flush();
            await().until(() -> answers.stream().allMatch(Answer::accepted));
        }
    }

    protected static Message message(String topic, String key, String payload) {
        return new Message(
                SEQ.incrementAndGet(),
                bytes("01939c6e-8c5a-7b3c-9d2e-0123456789ab"),
                topic,
                bytes(key),
                bytes("thing.happened"),
                bytes("1.0"),
                System.currentTimeMillis() * 1000,
                null,
                null,
                bytes("test"),
                null,
                bytes(payload),
                null,
                bytes("application/json"),
                null);
    }

    private static Message content(
            String topic, byte @Nullable [] payload, byte @Nullable [] body, String contentType) {
        return new Message(
                SEQ.incrementAndGet(),
                bytes("01939c6e-8c5a-7b3c-9d2e-0123456789ab"),
                topic,
                bytes("k"),
                bytes("thing.happened"),
                bytes("1.0"),
                System.currentTimeMillis() * 1000,
                null,
                null,
                bytes("test"),
                null,
                payload,
                body,
                bytes(contentType),
                null);
    }

    protected static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
