package dev.outbox.relay.cli;

import dev.outbox.relay.Relay;
import java.sql.DriverManager;
import java.util.Collections;
import java.util.List;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.slf4j.LoggerFactory;
import org.springframework.core.env.StandardEnvironment;

/**
 * Loads on a second core what a relay is about to need, while the first one reads arguments: most of a start is loading
 * classes. Nobody waits for it, and nothing depends on it.
 */
final class Warmup {

    private Warmup() {}

    /** For a relay only: the other commands need little of this. */
    static void start(String[] arguments) {
        if (List.of(arguments).stream().allMatch(argument -> argument.startsWith("-") || argument.equals("run"))) {
            Thread thread = new Thread(Warmup::load, "outbox-warmup");
            thread.setDaemon(true);
            thread.start();
        }
    }

    private static void load() {
        Object unused = new StandardEnvironment().getPropertySources();
        unused = LoggerFactory.getLogger(Relay.class);
        unused = Collections.list(DriverManager.getDrivers());
        try {
            unused = Class.forName(KafkaProducer.class.getName());
        } catch (ClassNotFoundException | LinkageError e) {
            // Whoever needs it will say so.
        }
    }
}
