package dev.outbox.relay;

import dev.outbox.relay.RelaySettings.SegmentSettings;
import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.kafka.KafkaBroker;
import dev.outbox.testkit.JavaCommand;
import dev.outbox.testkit.JavaProcess;
import java.time.Duration;
import java.util.Map;

/** A relay in a process of its own, with leases and segments short enough for a test that kills it all the time. */
final class RelayMain {

    private static final Duration LEASE = Duration.ofSeconds(1);
    private static final SegmentSettings SMALL_SEGMENTS = SegmentSettings.ofRetention(Duration.ofSeconds(1))
            .withRotateAfter(Duration.ofMillis(500))
            .withCheckInterval(Duration.ofMillis(100));

    private RelayMain() {}

    public static void main(String[] args) {
        Database database = new Database(args[0], args[1], args[2], "outbox");
        ChannelSettings channel = ChannelSettings.of("default").withPublishTimeout(Duration.ofSeconds(3));
        RelaySettings settings = RelaySettings.defaults().withLease(LEASE).withSegments(SMALL_SEGMENTS);
        Broker broker = KafkaBroker.of(args[3], Map.of(), Envelope.Format.JSON);
        try (Relay relay = Relay.start(database, settings, Map.of(channel, broker), new LoggingListener())) {
            System.out.println("Relay is running");
            relay.stopped().join();
        }
    }

    static JavaProcess start(Database database, String kafka) {
        JavaProcess process = JavaProcess.start(JavaCommand.ofClass(RelayMain.class.getName())
                .withJvmOptions("-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
                .withArguments(database.url(), database.user(), database.password(), kafka));
        process.awaitLine("Relay is running", Patience.LONGEST);
        return process;
    }
}
