package dev.outbox.relay.kafka;

import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Failure.Kind;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.RecordBatchTooLargeException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedForMessageFormatException;

/** Tells from an exception of the Kafka client who is at fault. What is not known for sure is an outage: nothing is lost. */
final class KafkaFailures {

    private KafkaFailures() {}

    static Failure of(Throwable cause) {
        return Failure.of(kind(cause), cause);
    }

    private static Kind kind(Throwable cause) {
        if (cause instanceof RecordTooLargeException
                || cause instanceof RecordBatchTooLargeException
                || cause instanceof InvalidTopicException
                || cause instanceof org.apache.kafka.common.InvalidRecordException
                || cause instanceof SerializationException
                || cause instanceof UnsupportedForMessageFormatException
                || cause instanceof PolicyViolationException
                || innocentInFailedBatch(cause)) {
            return Kind.MESSAGE;
        }
        if (cause instanceof UnknownTopicOrPartitionException || cause instanceof TopicAuthorizationException) {
            return Kind.TOPIC;
        }
        return Kind.OUTAGE;
    }

    /** Another record of its batch was invalid; sent alone, this one tells its own story. */
    private static boolean innocentInFailedBatch(Throwable cause) {
        return cause.getClass() == KafkaException.class
                && String.valueOf(cause.getMessage()).contains("part of a batch");
    }
}
