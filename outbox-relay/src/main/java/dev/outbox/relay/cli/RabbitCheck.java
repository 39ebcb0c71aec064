package dev.outbox.relay.cli;

import dev.outbox.relay.broker.BrokerUnavailableException;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.config.RelayConfiguration;
import dev.outbox.relay.ops.Finding;
import dev.outbox.relay.rabbitmq.RabbitBroker;
import dev.outbox.relay.rabbitmq.RabbitRoutes;

/** Asks a RabbitMQ who it is, with the way in that the relay takes. */
final class RabbitCheck {

    private static final String SUBJECT = "rabbitmq";

    private RabbitCheck() {}

    static Finding run(RelayConfiguration.Rabbit rabbit) {
        // Without the routes, which would be declared.
        RabbitBroker broker = RabbitBroker.of(rabbit.settings(), RabbitRoutes.usual(), Envelope.Format.JSON);
        try {
            return Finding.ok(
                    SUBJECT,
                    "answers, addresses=" + rabbit.settings().addresses() + ", virtualHost="
                            + rabbit.settings().virtualHost() + ", server=" + broker.prepare());
        } catch (BrokerUnavailableException e) {
            return Finding.failed(SUBJECT, "does not answer, error=" + OutboxMain.message(e));
        }
    }
}
