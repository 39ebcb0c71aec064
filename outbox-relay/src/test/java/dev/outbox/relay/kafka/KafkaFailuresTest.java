package dev.outbox.relay.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Failure.Kind;
import java.util.stream.Stream;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.NetworkException;
import org.apache.kafka.common.errors.NotEnoughReplicasException;
import org.apache.kafka.common.errors.NotLeaderOrFollowerException;
import org.apache.kafka.common.errors.OutOfOrderSequenceException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownServerException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class KafkaFailuresTest {

    static Stream<Throwable> outages() {
        return Stream.of(
                new TimeoutException("Expiring 3 record(s) for orders-0"),
                new TimeoutException("Topic orders not present in metadata after 10000 ms."),
                new TimeoutException("Failed to allocate memory within the configured max blocking time 10000 ms."),
                new NetworkException("disconnected"),
                new NotEnoughReplicasException("1 of 2"),
                new NotLeaderOrFollowerException("moved"),
                new OutOfOrderSequenceException("gap"),
                new ProducerFencedException("fenced"),
                new AuthenticationException("wrong password"),
                new ClusterAuthorizationException("not allowed"),
                new UnknownServerException("?"),
                new InterruptException("interrupted", new InterruptedException()),
                new KafkaException("Producer closed while send in progress"),
                new IllegalStateException("Cannot perform operation after producer has been closed"),
                new InvalidTimestampException("out of range"),
                new OutOfMemoryError("heap"));
    }

    static Stream<Throwable> poison() {
        return Stream.of(
                new RecordTooLargeException("too large"),
                new InvalidTopicException("no such topic!"),
                new InvalidRecordException("Compacted topic cannot accept message without key"),
                new PolicyViolationException("not here"),
                new KafkaException(
                        "Failed to append record because it was part of a batch which had one more invalid records"));
    }

    static Stream<Throwable> topics() {
        return Stream.of(new UnknownTopicOrPartitionException("orders"), new TopicAuthorizationException("orders"));
    }

    @ParameterizedTest
    @MethodSource("outages")
    void whatIsNotKnownForSureIsAnOutage(Throwable cause) {
        assertThat(KafkaFailures.of(cause).kind()).isEqualTo(Kind.OUTAGE);
    }

    @ParameterizedTest
    @MethodSource("poison")
    void whatTheBrokerWillNeverTakeIsTheMessagesFault(Throwable cause) {
        assertThat(KafkaFailures.of(cause).kind()).isEqualTo(Kind.MESSAGE);
    }

    @ParameterizedTest
    @MethodSource("topics")
    void aMissingOrForbiddenTopicIsTheTopicsFault(Throwable cause) {
        assertThat(KafkaFailures.of(cause).kind()).isEqualTo(Kind.TOPIC);
    }

    @Test
    void anErrorTextIsCutAndFreeOfNul() {
        Failure failure = Failure.of(Kind.MESSAGE, new RecordTooLargeException("\0" + "€".repeat(5000)));
        assertThat(failure.error())
                .hasSize(Failure.ERROR_CHARS_MAX)
                .doesNotContain("\0")
                .endsWith("...");
        assertThat(failure.errorClass()).isEqualTo("RecordTooLargeException");
    }
}
