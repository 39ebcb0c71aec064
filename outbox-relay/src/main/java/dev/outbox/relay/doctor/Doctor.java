package dev.outbox.relay.doctor;

import dev.outbox.relay.Database;
import dev.outbox.relay.RelaySettings;
import dev.outbox.relay.config.RelayConfiguration;
import java.util.ArrayList;
import java.util.List;

/**
 * Looks at everything that a relay works with, without changing anything.
 *
 * <pre>{@code
 * boolean usable = Doctor.examine(configuration).stream().noneMatch(finding -> finding.state() == Finding.State.FAILED);
 * }</pre>
 */
public final class Doctor {

    private Doctor() {}

    /** What was found, in the order of looking; what depends on something that failed is left out. */
    public static List<Finding> examine(RelayConfiguration configuration) {
        List<Finding> findings = new ArrayList<>();
        findings.add(Finding.ok("settings", "all known and in range"));
        findings.addAll(examine(configuration.database(), configuration.relay()));
        configuration.kafka().ifPresent(kafka -> findings.addAll(KafkaCheck.run(kafka.servers(), kafka.properties())));
        configuration.rabbit().ifPresent(rabbit -> findings.addAll(RabbitCheck.run(rabbit.settings())));
        return findings;
    }

    /** The same for the database and the outbox in it, without the brokers. */
    public static List<Finding> examine(Database database, RelaySettings settings) {
        return DatabaseCheck.run(database, settings);
    }
}
