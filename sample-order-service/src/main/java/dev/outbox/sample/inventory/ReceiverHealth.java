package dev.outbox.sample.inventory;

import dev.outbox.consumer.Receiver;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/** Whether the service still hears of orders: without its receiver it answers, and knows nothing new. */
@Component
class ReceiverHealth implements HealthIndicator {

    private final Receiver receiver;

    ReceiverHealth(Receiver receiver) {
        this.receiver = receiver;
    }

    @Override
    public Health health() {
        return receiver.stopped().isDone()
                ? Health.down().withDetail("receiver", "stopped").build()
                : Health.up().build();
    }
}
