package dev.outbox.relay.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where log lines go. The engine only knows SLF4J; Logback is the application's. */
final class Logging {

    private static final String FILE_PROPERTY = "logback.configurationFile";

    private Logging() {}

    /** Names our configuration, unless the user named one; before the first logger is asked for. */
    static void start() {
        if (System.getProperty(FILE_PROPERTY) == null) {
            // Not logback.xml at the root of the jar: that would become the configuration of whoever uses the library.
            System.setProperty(FILE_PROPERTY, "dev/outbox/relay/cli/logback.xml");
        }
    }

    /**
     * For commands that log nothing: Spring, which reads the settings, would have Logback started, and that takes longer than
     * they do. To be called before the settings are read.
     */
    static void none() {
        System.setProperty("org.apache.commons.logging.LogFactory", "org.apache.commons.logging.impl.LogFactoryImpl");
        System.setProperty("org.apache.commons.logging.Log", "org.apache.commons.logging.impl.NoOpLog");
    }

    /** For commands that tell in their own words what went wrong. */
    static void quiet() {
        apply(Map.of("root", "off", "org.apache.kafka", "off", "org.flywaydb", "off"));
    }

    static void apply(Map<String, String> levels) {
        if (!levels.isEmpty() && LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            levels.forEach(
                    (name, level) -> context.getLogger(name.equalsIgnoreCase("root") ? Logger.ROOT_LOGGER_NAME : name)
                            .setLevel(Level.toLevel(level, Level.INFO)));
        }
    }
}
