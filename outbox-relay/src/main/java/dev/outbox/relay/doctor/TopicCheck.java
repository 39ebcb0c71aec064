package dev.outbox.relay.doctor;

import dev.outbox.relay.RelayException;
import dev.outbox.relay.broker.BrokerUnavailableException;
import dev.outbox.relay.config.RelayConfiguration;
import dev.outbox.relay.rabbitmq.RabbitProbe;
import dev.outbox.relay.rabbitmq.RabbitRoutes;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.common.KafkaException;

/** Asks the broker of a channel whether a topic is there, before anybody is told to publish to it. */
public final class TopicCheck {

    private TopicCheck() {}

    /**
     * Why nothing can be published to a topic; empty if it can, or if the channel is not among those that are configured.
     *
     * @throws RelayException if the broker does not answer
     */
    public static Optional<String> objection(RelayConfiguration configuration, String channel, String topic) {
        Optional<RelayConfiguration.BrokerKind> broker = configuration.channels().stream()
                .filter(each -> each.settings().name().equals(channel))
                .map(RelayConfiguration.Channel::broker)
                .findFirst();
        if (broker.isEmpty()) {
            return Optional.empty();
        }
        return switch (broker.get()) {
            case KAFKA -> inKafka(configuration.kafka().orElseThrow(), topic);
            case RABBITMQ -> inRabbit(configuration.rabbit().orElseThrow(), topic);
        };
    }

    private static Optional<String> inKafka(RelayConfiguration.Kafka settings, String topic) {
        try (KafkaQuestions kafka = KafkaQuestions.to(settings.servers(), settings.properties())) {
            return kafka.objection(topic);
        } catch (ExecutionException | TimeoutException | KafkaException e) {
            throw unavailable("Kafka does not say whether the topic is there: servers=" + settings.servers(), topic, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unavailable("Interrupted while Kafka was asked: servers=" + settings.servers(), topic, e);
        }
    }

    private static Optional<String> inRabbit(RelayConfiguration.Rabbit settings, String topic) {
        try {
            return RabbitProbe.of(settings.settings()).missing(topic, RabbitRoutes.of(settings.routes()));
        } catch (BrokerUnavailableException e) {
            throw unavailable("RabbitMQ does not say whether the topic is there", topic, e);
        }
    }

    private static RelayException unavailable(String what, String topic, Exception cause) {
        return new RelayException(what + ", topic=" + topic, cause);
    }
}
