package dev.outbox.relay.config;

import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.kafka.KafkaBroker;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigValue;

/** Checks the producer's properties as the producer itself would, before it is made. */
final class KafkaProperties {

    private static final int SLIP = 2;

    /** Making a broker connects to nothing. */
    private static final String ANY_SERVER = "localhost:9092";

    private KafkaProperties() {}

    static List<Problem> problems(Map<String, Given> given) {
        Map<String, String> properties = new HashMap<>();
        Map<String, Given> byName = new HashMap<>();
        given.forEach((key, value) -> {
            if (key.startsWith(SettingTable.KAFKA_PROPERTIES)) {
                String name = key.substring(SettingTable.KAFKA_PROPERTIES.length());
                properties.put(name, value.value());
                byName.put(name, value);
            }
        });
        List<Problem> problems = new ArrayList<>();
        if (properties.isEmpty()) {
            return problems;
        }
        Set<String> malformed = checkValues(properties, byName, problems);
        byName.forEach((name, value) -> {
            if (!malformed.contains(name)) {
                checkName(name, value, problems);
            }
        });
        if (problems.isEmpty()) {
            refusal(properties).ifPresent(why -> problems.add(new Problem("outbox.kafka.properties", "", why)));
        }
        checkSasl(properties, byName, problems);
        return problems;
    }

    /** The names of those whose values the producer does not take. */
    private static Set<String> checkValues(
            Map<String, String> properties, Map<String, Given> byName, List<Problem> problems) {
        Set<String> malformed = new HashSet<>();
        for (ConfigValue checked : ProducerConfig.configDef().validate(properties)) {
            Given value = byName.get(checked.name());
            if (value != null && !checked.errorMessages().isEmpty()) {
                malformed.add(checked.name());
                // The client's text repeats the value, which may be a secret.
                String why = SettingTable.isSecret(value.key())
                        ? "is not what the producer takes"
                        : "is refused by the producer: "
                                + checked.errorMessages().get(0);
                problems.add(new Problem(value.key(), value.origin(), why));
            }
        }
        return malformed;
    }

    /** Why a broker cannot be made with these, in the engine's own words; those of secrets are not repeated. */
    private static Optional<String> refusal(Map<String, String> properties) {
        try {
            KafkaBroker.of(ANY_SERVER, properties, Envelope.Format.JSON);
            return Optional.empty();
        } catch (IllegalArgumentException e) {
            boolean secret = properties.keySet().stream()
                    .anyMatch(name -> SettingTable.isSecret(SettingTable.KAFKA_PROPERTIES + name));
            return Optional.of(secret ? "are refused together" : "is refused: " + e.getMessage());
        }
    }

    private static void checkName(String name, Given value, List<Problem> problems) {
        if (name.equals(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG)) {
            problems.add(new Problem(
                    value.key(), value.origin(), "has a place of its own; set " + SettingTable.KAFKA_SERVERS));
            return;
        }
        Optional<String> refusal = refusal(Map.of(name, value.value()));
        if (refusal.isPresent()) {
            problems.add(new Problem(value.key(), value.origin(), refusal.get()));
            return;
        }
        Set<String> known = ProducerConfig.configNames();
        if (!known.contains(name)) {
            // Interceptors and login modules have properties of their own, so only what looks like a slip is refused.
            Keys.nearest(name, known, SLIP)
                    .ifPresent(meant -> problems.add(new Problem(
                            value.key(),
                            value.origin(),
                            "is not a property of the producer; did you mean " + SettingTable.KAFKA_PROPERTIES + meant
                                    + "?")));
        }
    }

    private static void checkSasl(Map<String, String> properties, Map<String, Given> byName, List<Problem> problems) {
        String protocol =
                properties.getOrDefault("security.protocol", "PLAINTEXT").toUpperCase(Locale.ROOT);
        Given jaas = byName.get("sasl.jaas.config");
        if (jaas != null && !protocol.startsWith("SASL_")) {
            problems.add(new Problem(
                    jaas.key(),
                    jaas.origin(),
                    "contradicts: security.protocol=" + protocol
                            + " does not log in, and the password would not be used; set "
                            + SettingTable.KAFKA_PROPERTIES + "security.protocol to SASL_SSL or SASL_PLAINTEXT"));
        }
        Given truststore = byName.get("ssl.truststore.location");
        if (truststore != null && !protocol.endsWith("SSL")) {
            problems.add(new Problem(
                    truststore.key(),
                    truststore.origin(),
                    "contradicts: security.protocol=" + protocol + " does not encrypt; set "
                            + SettingTable.KAFKA_PROPERTIES + "security.protocol to SSL or SASL_SSL"));
        }
    }
}
