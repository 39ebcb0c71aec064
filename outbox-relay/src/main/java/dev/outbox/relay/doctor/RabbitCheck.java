package dev.outbox.relay.doctor;

import dev.outbox.relay.RelayException;
import dev.outbox.relay.broker.BrokerUnavailableException;
import dev.outbox.relay.rabbitmq.RabbitProbe;
import dev.outbox.relay.rabbitmq.RabbitSettings;
import java.util.List;

/** Asks a RabbitMQ who it is and whether it takes messages, with the way in that the relay takes. */
final class RabbitCheck {

    private static final String SUBJECT = "rabbitmq";

    private RabbitCheck() {}

    static List<Finding> run(RabbitSettings settings) {
        try {
            RabbitProbe.Answer answer = RabbitProbe.of(settings).ask();
            String who = "addresses=" + settings.addresses() + ", virtualHost=" + settings.virtualHost() + ", server="
                    + answer.server();
            Finding limits = Finding.ok(
                    "rabbitmq limits",
                    "AMQP does not tell how large a message may be; the relay learns it from the first that is refused"
                            + " (max_message_size, 16 MiB in RabbitMQ 4 unless it is set)");
            return answer.objection()
                    .map(objection -> List.of(
                            Finding.failed(SUBJECT, "answers and takes no messages: " + objection + "; " + who),
                            limits))
                    .orElseGet(() -> List.of(Finding.ok(SUBJECT, "answers and takes messages, " + who), limits));
        } catch (BrokerUnavailableException e) {
            return List.of(Finding.failed(SUBJECT, "does not answer, error=" + RelayException.inOneLine(e)));
        }
    }
}
