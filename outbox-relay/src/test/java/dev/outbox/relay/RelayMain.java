package dev.outbox.relay;

import dev.outbox.relay.ChannelSettings.Order;
import dev.outbox.relay.RelaySettings.SegmentSettings;
import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.kafka.KafkaBroker;
import dev.outbox.relay.rabbitmq.RabbitBroker;
import dev.outbox.relay.rabbitmq.RabbitRoutes;
import dev.outbox.relay.rabbitmq.RabbitSettings;
import dev.outbox.testkit.JavaCommand;
import dev.outbox.testkit.JavaProcess;
import dev.outbox.testkit.RabbitServer;
import java.time.Duration;
import java.util.Map;

/** A relay in a process of its own, with leases and segments short enough for a test that kills it all the time. */
final class RelayMain {

    /** The channel beside {@code default} that a relay to RabbitMQ serves in strict order. */
    static final String STRICT = "strict";

    private static final Duration LEASE = Duration.ofSeconds(1);
    private static final SegmentSettings SMALL_SEGMENTS = SegmentSettings.ofRetention(Duration.ofSeconds(1))
            .withRotateAfter(Duration.ofMillis(500))
            .withCheckInterval(Duration.ofMillis(100));

    private RelayMain() {}

    public static void main(String[] args) {
        Database database = new Database(args[0], args[1], args[2], "outbox");
        RelaySettings settings = RelaySettings.defaults().withLease(LEASE).withSegments(SMALL_SEGMENTS);
        try (Relay relay = Relay.start(database, settings, channels(args), new LoggingListener())) {
            System.out.println("Relay is running");
            relay.stopped().join();
        }
    }

    private static Map<ChannelSettings, Broker> channels(String[] args) {
        ChannelSettings channel = ChannelSettings.of("default").withPublishTimeout(Duration.ofSeconds(3));
        if (args[3].equals("kafka")) {
            return Map.of(channel, KafkaBroker.of(args[4], Map.of(), Envelope.Format.JSON));
        }
        Broker rabbit = RabbitBroker.of(
                RabbitSettings.of(args[4]).withLogin(args[5], args[6]), RabbitRoutes.usual(), Envelope.Format.JSON);
        ChannelSettings strict = ChannelSettings.of(STRICT)
                .withPublishTimeout(Duration.ofSeconds(3))
                .withOrder(Order.STRICT);
        return Map.of(channel, rabbit, strict, rabbit);
    }

    static JavaProcess start(Database database, String kafka) {
        return start(database.url(), database.user(), database.password(), "kafka", kafka);
    }

    static JavaProcess start(Database database, RabbitServer rabbit) {
        return start(
                database.url(),
                database.user(),
                database.password(),
                "rabbitmq",
                rabbit.host() + ":" + rabbit.port(),
                rabbit.user(),
                rabbit.password());
    }

    private static JavaProcess start(String... arguments) {
        JavaProcess process = JavaProcess.start(JavaCommand.ofClass(RelayMain.class.getName())
                .withJvmOptions("-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
                .withArguments(arguments));
        process.awaitLine("Relay is running", Patience.LONGEST);
        return process;
    }
}
