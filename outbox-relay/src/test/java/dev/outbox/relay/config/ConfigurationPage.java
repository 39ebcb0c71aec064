package dev.outbox.relay.config;

import java.util.List;

/** Writes the reference of all settings from the table. */
final class ConfigurationPage {

    private static final String HEAD = """
            # Configuration of the relay

            <!-- Written from SettingTable; do not edit. To write it anew: %s -->

            `outbox config` prints every setting with its value in force, where that came from, its default and range.
            Before anything starts, all settings are checked, and everything that is wrong is named at once: what is unknown,
            malformed, out of range, missing or contradictory (exit code 2).

            ## Where settings come from

            The same places as in a Spring Boot application. The first counts most:

            1. arguments, `--outbox.relay.lease=5s`
            2. `SPRING_APPLICATION_JSON`
            3. system properties, `-Doutbox.relay.lease=5s`
            4. environment variables, `OUTBOX_RELAY_LEASE=5s`
            5. the file named by `--config FILE`, `--outbox.config=FILE` or `OUTBOX_CONFIG`
            6. `application.properties`, then `application.yml`, in `config/` of the working directory, then in the directory
               itself; with profiles, as Spring Boot has them

            ```yaml
            outbox:
              database:
                url: jdbc:postgresql://db:5432/shop
                user: outbox_relay
                password: ${DB_PASSWORD}
              kafka:
                bootstrap-servers: kafka-1:9092,kafka-2:9092
              channels:
                orders:
                  lanes: 4
            ```

            Durations are a number and `ms`, `s`, `m`, `h` or `d`; sizes a number and `B`, `KB`, `MB`, `GB` or `TB` (powers of
            1024). A blank value counts as not given. Values in files may use `${PLACEHOLDERS}`.

            **Environment variables** are the key in capitals, with `_` for each `.`, and each `-` left out or written `_`:
            `OUTBOX_KAFKA_BOOTSTRAPSERVERS` or `OUTBOX_KAFKA_BOOTSTRAP_SERVERS`. A channel's name in a variable means the channel
            of that name which is given elsewhere, whatever its capitals, `-`, `_` and `.`; if there is none, it is taken in
            small letters with `-` for each `_` (`OUTBOX_CHANNELS_ORDER_EVENTS_LANES` sets `outbox.channels.order-events.lanes`).
            A variable that begins with `OUTBOX_` and is no setting is refused if it looks like a slip, else named in a warning.
            The usual names for brokers work too: `KAFKA_BROKERS`, `RABBITMQ_HOST`, `RABBITMQ_PORT`, `RABBITMQ_USER`,
            `RABBITMQ_PASS` and `RABBITMQ_VHOST`.

            **Log levels** are given as `logging.level.<logger>`, such as `--logging.level.dev.outbox=DEBUG`; a Logback file of
            your own as `-Dlogback.configurationFile=FILE`.

            """;

    private static final String KAFKA = """
            | `outbox.kafka.properties.<property>` |  | a property of the Kafka producer | Passed to the producer, such as \
            `compression.type` or `security.protocol`. Those that the relay's promises stand on (`acks`, \
            `enable.idempotence`, `retries`, `delivery.timeout.ms`, the serializers) are refused. In a variable, `_` stands \
            for `.`: `OUTBOX_KAFKA_PROPERTIES_SECURITY_PROTOCOL`. Passwords, keys and `sasl.jaas.config` are never shown. |
            """;

    private static final String CHANNELS = """

            ## Channels

            `<name>` is a channel as messages name it in their `channel` column: 1 to 63 letters, digits, `.`, `_` or `-`; in YAML
            a name with dots goes into brackets, `"[v2.orders]"`. A channel is served when any of its settings is given. If none
            is, the relay serves the channel `default` with the defaults.

            """;

    private static final String ROUTES = """

            ## Routes to RabbitMQ

            Without a route, a message goes to the exchange that is called as its topic, with its type as the routing key. Routes
            say otherwise; of those that match a message's topic and type, the first counts. `<n>` is 0 for the first; in a
            variable, `OUTBOX_RABBITMQ_ROUTES_0_TOPIC`.

            ```yaml
            outbox:
              rabbitmq:
                host: rabbit-1,rabbit-2
                routes:
                  - topic: shipping-*            # commands, point to point
                    queue: "{topic}"
                    declare: true
                  - topic: orders
                    type: order.viewed           # statistics that nobody need listen to
                    mandatory: false
                  - topic: orders
                    exchange: orders.by-key      # one of several queues for each key
                    exchange-type: x-consistent-hash
                    routing-key: "{key}"
                    declare: true
            ```

            """;

    private static final String TLS = """

            ## A Kafka with TLS and a login

            ```yaml
            outbox:
              kafka:
                bootstrap-servers: kafka-1:9093
                properties:
                  security.protocol: SASL_SSL
                  sasl.mechanism: SCRAM-SHA-512
                  sasl.jaas.config: >-
                    org.apache.kafka.common.security.scram.ScramLoginModule required
                    username="relay" password="${KAFKA_PASSWORD}";
                  ssl.truststore.location: /etc/outbox/truststore.pem
                  ssl.truststore.type: PEM
            ```

            ## Kafka and RabbitMQ from one relay

            ```yaml
            outbox:
              kafka:
                bootstrap-servers: kafka-1:9092
              rabbitmq:
                host: rabbit-1
                tls: true
                trust-store: /etc/outbox/rabbit-ca.pem
                user: relay
                password: ${RABBIT_PASSWORD}
              channels:
                default:
                  broker: kafka
                commands:
                  broker: rabbitmq
                  order: strict
            ```

            Each channel has its own lanes and its own position: while one broker is away, the other's messages flow.
            """;

    private ConfigurationPage() {}

    static String text(String command) {
        StringBuilder page = new StringBuilder(HEAD.formatted(command));
        page.append("## Settings\n\n");
        table(page, SettingTable.SINGLE, "");
        page.append(KAFKA).append(CHANNELS);
        table(page, SettingTable.CHANNEL, "outbox.channels.<name>.");
        page.append(ROUTES);
        table(page, SettingTable.ROUTE, "outbox.rabbitmq.routes.<n>.");
        return page.append(TLS).toString();
    }

    private static void table(StringBuilder page, List<Setting> settings, String prefix) {
        page.append("| key | default | allowed | what it does |\n|---|---|---|---|\n");
        for (Setting setting : settings) {
            String usual = setting.required() ? "**required**" : code(setting.usual());
            String allowed = setting.type().label()
                    + (setting.type().range().isEmpty()
                            ? ""
                            : ", " + setting.type().range());
            page.append("| `")
                    .append(prefix)
                    .append(setting.key())
                    .append("` | ")
                    .append(usual)
                    .append(" | ")
                    .append(allowed)
                    .append(" | ")
                    .append(setting.description())
                    .append(setting.secret() ? " Never shown. |\n" : " |\n");
        }
    }

    private static String code(String text) {
        return text.isEmpty() ? "" : "`" + text + "`";
    }
}
