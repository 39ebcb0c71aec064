package dev.outbox.relay.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.outbox.relay.ChannelSettings;
import dev.outbox.relay.RelaySettings;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.config.RelayConfiguration.BrokerKind;
import dev.outbox.relay.rabbitmq.RabbitRoute;
import dev.outbox.relay.rabbitmq.RabbitSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

class SettingsTest {

    private static final String[] LEAST = {
        "--outbox.database.url=jdbc:postgresql://db/shop",
        "--outbox.database.user=relay",
        "--outbox.kafka.bootstrap-servers=kafka:9092"
    };

    @TempDir
    Path directory;

    private final Map<String, Object> variables = new HashMap<>();

    @Test
    void theLeastThatIsGivenLeavesTheEnginesDefaultsInForce() {
        RelayConfiguration configuration = load(LEAST).forRelay();
        RelaySettings usual = RelaySettings.defaults();
        assertThat(configuration.relay())
                .usingRecursiveComparison()
                .ignoringFields("name")
                .isEqualTo(usual);
        assertThat(configuration.channels())
                .containsExactly(new RelayConfiguration.Channel(
                        ChannelSettings.of("default"), BrokerKind.KAFKA, Envelope.Format.JSON));
        assertThat(configuration.database().schema()).isEqualTo("outbox");
        assertThat(configuration.kafka().orElseThrow().servers()).isEqualTo("kafka:9092");
        assertThat(configuration.kafka().orElseThrow().properties()).isEmpty();
    }

    @Test
    void aLoginAmongTheAddressesIsRefusedAndNotShown() {
        variables.put("RABBITMQ_HOST", "amqp://relay:very-secret@rabbit:5672");
        InvalidSettingsException e = catchThrowableOfType(
                InvalidSettingsException.class, () -> load(LEAST).forRelay());
        assertThat(e)
                .hasMessageContaining("outbox.rabbitmq.host")
                .hasMessageContaining("give user and password as settings of their own")
                .message()
                .doesNotContain("very-secret");
    }

    @Test
    void aPortThatCannotBeIsRefused() {
        variables.put("RABBITMQ_HOST", "rabbit-1:5672,rabbit-2:65536");
        InvalidSettingsException e = catchThrowableOfType(
                InvalidSettingsException.class, () -> load(LEAST).forRelay());
        assertThat(e).hasMessageContaining("rabbit-2:65536").hasMessageContaining("from 1 to 65535");
    }

    @Test
    void readsEverySettingFromYaml() throws IOException {
        write("application.yml", """
                outbox:
                  database: { url: "jdbc:postgresql://db/shop?sslmode=require", user: relay, password: s3cret, schema: box }
                  relay:
                    name: shop
                    lease: 5s
                    checkpointInterval: 100ms
                    poll-min: 2ms
                    poll_max: 50ms
                    shutdown-timeout: 1m
                  segments: { retention: 12h, rotate-after: 1h, size-max: 100MB, check-interval: 5s }
                  kafka:
                    bootstrap-servers:
                      - a:9092
                      - b:9092
                    properties:
                      compression.type: zstd
                      "[linger.ms]": 5
                  channels:
                    order-events: { lanes: 4, page-rows: 10, page-size: 1MB, pages-in-flight: 2, in-flight-size: 2MB,
                      attempts: 7, retry-backoff: 2s, retry-backoff-max: 1h, parked-max: 500, parked-size-max: 1MB }
                    "[v2.Payments]": { publish-timeout: 3s, envelope: none, broker: kafka }
                """);
        RelayConfiguration configuration = load().forRelay();
        assertThat(configuration.database().password()).isEqualTo("s3cret");
        assertThat(configuration.database().schema()).isEqualTo("box");
        assertThat(configuration.relay().name()).isEqualTo("shop");
        assertThat(configuration.relay())
                .usingRecursiveComparison()
                .ignoringFields("name")
                .isEqualTo(new RelaySettings(
                        "x",
                        Duration.ofSeconds(5),
                        Duration.ofMillis(100),
                        Duration.ofMillis(2),
                        Duration.ofMillis(50),
                        Duration.ofMinutes(1),
                        new RelaySettings.SegmentSettings(
                                Duration.ofHours(12), Duration.ofHours(1), 100 << 20, Duration.ofSeconds(5))));
        assertThat(configuration.kafka().orElseThrow().servers()).isEqualTo("a:9092,b:9092");
        assertThat(configuration.kafka().orElseThrow().properties())
                .isEqualTo(Map.of("compression.type", "zstd", "linger.ms", "5"));
        assertThat(configuration.channels())
                .containsExactlyInAnyOrder(
                        new RelayConfiguration.Channel(
                                new ChannelSettings(
                                        "order-events",
                                        4,
                                        10,
                                        1 << 20,
                                        2,
                                        2 << 20,
                                        Duration.ofSeconds(15),
                                        ChannelSettings.Order.PIPELINED,
                                        new ChannelSettings.Parking(
                                                7, Duration.ofSeconds(2), Duration.ofHours(1), 500, 1 << 20)),
                                BrokerKind.KAFKA,
                                Envelope.Format.JSON),
                        new RelayConfiguration.Channel(
                                ChannelSettings.of("v2.Payments").withPublishTimeout(Duration.ofSeconds(3)),
                                BrokerKind.KAFKA,
                                Envelope.Format.NONE));
    }

    @Test
    void namesEveryProblemAtOnceWithItsPlaceItsLimitAndItsMend() throws IOException {
        write("application.properties", """
                outbox.database.url=jdbc:mysql://db/shop
                outbox.relay.leese=10s
                outbox.relay.lease=100ms
                outbox.relay.poll-max=often
                outbox.segments.rotate-after=5d
                outbox.channels.orders.lanse=4
                outbox.channels.orders.envelope=xml
                outbox.channels.orders.page-size=8GB
                outbox.channels.or\\ ders.lanes=1
                outbox.kafka.properties.retries=3
                outbox.kafka.properties.linger.ms=soon
                outbox.kafka.properties.compresion.type=lz4
                outbox.kafka.properties.sasl.jaas.config=x password="very-secret";
                outbox.rely.name=shop
                outbox.database.password=${NOBODY_SETS_THIS}
                unrelated.key=1
                outbox.relay.name=two words
                """);
        variables.put("OUTBOX_DATABASE_USR", "relay");
        InvalidSettingsException e = problems();
        assertThat(e.problems())
                .extracting(Problem::toString)
                .containsExactlyInAnyOrder(
                        "outbox.database.url=jdbc:mysql://db/shop (" + at(1)
                                + ") is not a JDBC URL; write jdbc:postgresql://host:port/database",
                        "outbox.relay.leese (" + at(2) + ") is not a setting; did you mean outbox.relay.lease?",
                        "outbox.relay.lease=100ms (" + at(3) + ") is too small; the least is 500ms",
                        "outbox.relay.poll-max=often (" + at(4)
                                + ") is not a duration; write a number and ms, s, m, h or d, such as 200ms or 3d, from 1ms to 1m",
                        "outbox.segments.rotate-after=5d (" + at(5)
                                + ") contradicts: outbox.segments.rotate-after=5d must not"
                                + " exceed outbox.segments.retention=3d; change one of them",
                        "outbox.channels.orders.lanse (" + at(6)
                                + ") is not a setting; did you mean outbox.channels.orders.lanes?",
                        "outbox.channels.orders.envelope=xml (" + at(7) + ") is none of the choices; use json or none",
                        "outbox.channels.orders.page-size=8GB (" + at(8) + ") is too large; the most is 64MB",
                        "outbox.channels.or ders (" + at(9)
                                + ") is not the name of a channel; use 1 to 63 letters, digits, '.', '_' or '-'",
                        "outbox.kafka.properties.retries (" + at(10)
                                + ") is refused: Kafka property is set by the relay: retries=2147483647 is what its promises"
                                + " stand on; leave it out",
                        "outbox.kafka.properties.linger.ms (" + at(11)
                                + ") is refused by the producer: Invalid value soon for"
                                + " configuration linger.ms: Not a number of type LONG",
                        "outbox.kafka.properties.compresion.type (" + at(12)
                                + ") is not a property of the producer; did you mean outbox.kafka.properties.compression.type?",
                        "outbox.kafka.properties.sasl.jaas.config (" + at(13)
                                + ") contradicts: security.protocol=PLAINTEXT does"
                                + " not log in, and the password would not be used; set"
                                + " outbox.kafka.properties.security.protocol to SASL_SSL or SASL_PLAINTEXT",
                        "outbox.rely.name (" + at(14) + ") is not a setting; did you mean outbox.relay.name?",
                        "outbox.database.password (" + at(15) + ") has a placeholder that nothing fills in",
                        "outbox.relay.name=two words (" + at(17)
                                + ") is not the name of a relay; use visible ASCII characters without spaces",
                        "OUTBOX_DATABASE_USR (environment variable) is not a setting; did you mean OUTBOX_DATABASE_USER?",
                        "outbox.database.user is missing; give it in a file, as --outbox.database.user=... or as"
                                + " OUTBOX_DATABASE_USER",
                        "outbox.kafka.bootstrap-servers is missing; give it in a file, as --outbox.kafka.bootstrap-servers=..."
                                + " or as OUTBOX_KAFKA_BOOTSTRAPSERVERS");
        assertThat(e).hasMessageContaining("problems=19").message().doesNotContain("very-secret");
    }

    @Test
    void readsVariablesInEverySpellingThatSpringReads() {
        variables.put("OUTBOX_DATABASE_URL", "jdbc:postgresql://db/shop");
        variables.put("OUTBOX_DATABASE_USER", "relay");
        variables.put("OUTBOX_DATABASE_PASSWORD", "${not} #{a} placeholder");
        variables.put("OUTBOX_KAFKA_BOOTSTRAPSERVERS", "a:1");
        variables.put("KAFKA_BROKERS", "b:1");
        variables.put("OUTBOX_RELAY_POLL_MAX", "20ms");
        variables.put("OUTBOX_RELAY_LEASE", " ");
        variables.put("OUTBOX_KAFKA_PROPERTIES_COMPRESSION_TYPE", "gzip");
        variables.put("OUTBOX_CHANNELS_ORDEREVENTS_LANES", "3");
        variables.put("OUTBOX_CHANNELS_ORDER_EVENTS_PAGE_ROWS", "7");
        variables.put("OUTBOX_CHANNELS_NEW_ONE_LANES", "2");
        variables.put("OUTBOX_RELAY_SERVICE_HOST", "10.0.0.1");
        Settings settings = load("--outbox.channels.order_events.envelope=none");
        RelayConfiguration configuration = settings.forRelay();
        assertThat(configuration.kafka().orElseThrow().servers()).isEqualTo("a:1");
        assertThat(configuration.database().password()).isEqualTo("${not} #{a} placeholder");
        assertThat(configuration.relay().pollMax()).isEqualTo(Duration.ofMillis(20));
        assertThat(configuration.relay().lease()).isEqualTo(Duration.ofSeconds(10));
        assertThat(configuration.kafka().orElseThrow().properties()).isEqualTo(Map.of("compression.type", "gzip"));
        assertThat(configuration.channels())
                .extracting(channel -> channel.settings().name() + "/"
                        + channel.settings().lanes() + "/" + channel.settings().pageRowsMax())
                .containsExactlyInAnyOrder("order_events/3/7", "new-one/2/1000");
        assertThat(settings.ignoredVariables()).containsExactly("OUTBOX_RELAY_SERVICE_HOST");
        variables.remove("OUTBOX_KAFKA_BOOTSTRAPSERVERS");
        assertThat(load().forRelay().kafka().orElseThrow().servers()).isEqualTo("b:1");
    }

    @Test
    void countsArgumentsMoreThanVariablesAndThoseMoreThanFilesAndAFileThatWasNamedMoreThanTheUsual()
            throws IOException {
        write("application.yml", "outbox.relay: {lease: 1s, poll-min: 1ms, poll-max: 1s, checkpoint-interval: 11ms}");
        Path named = Files.writeString(directory.resolve("named.properties"), """
                outbox.relay.poll-min=2ms
                outbox.relay.poll-max=2s
                outbox.relay.lease=2s
                """);
        variables.put("OUTBOX_RELAY_POLL_MAX", "3s");
        variables.put("OUTBOX_RELAY_LEASE", "3s");
        variables.put("OUTBOX_CONFIG", named.toString());
        List<String> arguments = new ArrayList<>(List.of(LEAST));
        arguments.add("--outbox.relay.lease=4s");
        RelaySettings relay = load(arguments.toArray(String[]::new)).forRelay().relay();
        assertThat(List.of(relay.lease(), relay.pollMax(), relay.pollMin(), relay.checkpointInterval()))
                .containsExactly(
                        Duration.ofSeconds(4), Duration.ofSeconds(3), Duration.ofMillis(2), Duration.ofMillis(11));
    }

    @Test
    void readsRabbitMqItsRoutesAndBothBrokersAtOnce() throws IOException {
        write("application.yml", """
                outbox:
                  database: { url: "jdbc:postgresql://db/shop", user: relay }
                  kafka: { bootstrap-servers: "kafka:9092" }
                  relay: { name: shop }
                  rabbitmq:
                    host: [ rabbit-1, "rabbit-2:5673", "[::1]", "[::1]:5674" ]
                    user: relay
                    password: s3cret
                    virtualHost: /shop
                    routes:
                      - topic: shipping-*
                        queue: "{topic}"
                        declare: true
                        queue-type: classic
                      - type: order.viewed
                        mandatory: false
                      - { topic: orders, exchange: by-key, routingKey: "{key}", exchange_type: x-consistent-hash }
                  channels:
                    default: { broker: kafka }
                    commands: { broker: rabbitmq, order: strict }
                """);
        variables.put("OUTBOX_RABBITMQ_ROUTES_1_ROUTING_KEY", "viewed");
        variables.put("RABBITMQ_PORT", "tcp://10.0.0.1:5672");
        Settings settings = load();
        RelayConfiguration configuration = settings.forRelay();
        assertThat(configuration.channels())
                .containsExactlyInAnyOrder(
                        new RelayConfiguration.Channel(
                                ChannelSettings.of("default"), BrokerKind.KAFKA, Envelope.Format.JSON),
                        new RelayConfiguration.Channel(
                                ChannelSettings.of("commands").withOrder(ChannelSettings.Order.STRICT),
                                BrokerKind.RABBITMQ,
                                Envelope.Format.JSON));
        RelayConfiguration.Rabbit rabbit = configuration.rabbit().orElseThrow();
        assertThat(rabbit.settings())
                .isEqualTo(RabbitSettings.of("rabbit-1:5672", "rabbit-2:5673", "[::1]:5672", "[::1]:5674")
                        .withLogin("relay", "s3cret")
                        .withVirtualHost("/shop")
                        .withConnectionName("outbox-relay shop"));
        assertThat(rabbit.routes())
                .containsExactly(
                        RabbitRoute.to("", "{topic}")
                                .forTopic("shipping-*")
                                .withDeclare(true)
                                .withQueueType("classic"),
                        RabbitRoute.to("{topic}", "viewed")
                                .forType("order.viewed")
                                .withMandatory(false),
                        RabbitRoute.to("by-key", "{key}").forTopic("orders").withExchangeType("x-consistent-hash"));
        assertThat(settings.ignoredVariables()).containsExactly("RABBITMQ_PORT");
        assertThat(settings.lines().toString()).doesNotContain("s3cret");
        assertThat(configuration.toString()).doesNotContain("s3cret");
    }

    @Test
    void theUsualNamesOfRabbitMqAreEnough() {
        variables.put("RABBITMQ_HOST", "rabbit");
        variables.put("RABBITMQ_PORT", "5673");
        variables.put("RABBITMQ_USER", "relay");
        variables.put("RABBITMQ_PASS", "s3cret");
        variables.put("RABBITMQ_VHOST", "shop");
        RelayConfiguration configuration = load(LEAST[0], LEAST[1]).forRelay();
        assertThat(configuration.channels())
                .extracting(RelayConfiguration.Channel::broker)
                .containsExactly(BrokerKind.RABBITMQ);
        assertThat(configuration.kafka()).isEmpty();
        RabbitSettings settings = configuration.rabbit().orElseThrow().settings();
        assertThat(settings.addresses()).containsExactly("rabbit:5673");
        assertThat(List.of(settings.user(), settings.password(), settings.virtualHost()))
                .containsExactly("relay", "s3cret", "shop");
    }

    @Test
    void namesEveryProblemWithRabbitMq() throws IOException {
        write("application.properties", """
                outbox.database.url=jdbc:postgresql://db/shop
                outbox.database.user=relay
                outbox.channels.default.broker=rabbitmq
                outbox.rabbitmq.routes[0].exchange={topc}
                outbox.rabbitmq.routes[1].queue=q
                outbox.rabbitmq.routes[1].routing-key=k
                outbox.rabbitmq.trust-store=/nowhere.pem
                """);
        assertThat(problems()).hasMessageContaining("outbox.rabbitmq.host is missing");
        variables.put("RABBITMQ_HOST", "rabbit");
        assertThat(problems().problems())
                .extracting(Problem::toString)
                .containsExactlyInAnyOrder(
                        "outbox.rabbitmq.routes.0 (" + at(4)
                                + ") is not a route: Route has an unknown variable: exchange={topc}; use {topic}, {type},"
                                + " {key} or {source}",
                        "outbox.rabbitmq.routes.1.routing-key (" + at(6)
                                + ") contradicts: the route has a queue, to which it sends straight; leave out one of them",
                        "outbox.rabbitmq.trust-store (" + at(7)
                                + ") contradicts: outbox.rabbitmq.tls=false does not encrypt; set it to true");
        write("application.properties", """
                outbox.database.url=jdbc:postgresql://db/shop
                outbox.database.user=relay
                outbox.rabbitmq.tls=true
                outbox.rabbitmq.trust-store=/nowhere.pem
                outbox.rabbitmq.trust-store-password=very-secret
                """);
        assertThat(problems())
                .hasMessageContaining("The trust store cannot be read: file=/nowhere.pem")
                .message()
                .doesNotContain("very-secret");
        write("application.properties", """
                outbox.rabbitmq.hots=rabbit
                outbox.rabbitmq.routes[0].mandatry=false
                outbox.rabbitmq.routes[x].topic=a
                outbox.rabbitmq.port=70000
                """);
        assertThat(problems())
                .hasMessageContaining("did you mean outbox.rabbitmq.host?")
                .hasMessageContaining("did you mean outbox.rabbitmq.routes.0.mandatory?")
                .hasMessageContaining("outbox.rabbitmq.routes[x].topic")
                .hasMessageContaining("outbox.rabbitmq.port=70000")
                .hasMessageContaining("the most is 65535");
    }

    @Test
    void anOperationOnTheDatabaseNeedsNoBroker() {
        assertThat(load(LEAST[0], LEAST[1]).forDatabase().url()).isEqualTo("jdbc:postgresql://db/shop");
    }

    @Test
    void saysWhichFileIsMissingOrCannotBeRead() throws IOException {
        variables.put("OUTBOX_CONFIG", directory.resolve("absent.yml").toString());
        assertThat(problems()).hasMessageContaining("absent.yml");
        Path broken = Files.writeString(directory.resolve("broken.yml"), "outbox:\n\tpassword: very-secret");
        variables.put("OUTBOX_CONFIG", broken.toString());
        assertThat(problems())
                .hasMessageContaining("configuration file (" + broken + ":2) is not valid YAML")
                .message()
                .doesNotContain("very-secret");
    }

    @Test
    void showsNoSecretAnywhere() {
        List<String> arguments = new ArrayList<>(List.of(LEAST));
        arguments.add("--outbox.database.password=very-secret");
        arguments.add("--outbox.kafka.properties.security.protocol=SASL_SSL");
        arguments.add("--outbox.kafka.properties.sasl.jaas.config=very-secret");
        arguments.add("--outbox.kafka.properties.ssl.keystore.password=very-secret");
        arguments.add("--outbox.kafka.properties.ssl.keystore.key=very-secret");
        Settings settings = load(arguments.toArray(String[]::new));
        assertThat(settings.lines().toString()).doesNotContain("very-secret").contains("******");
        assertThat(settings.forRelay().toString()).doesNotContain("very-secret");
        arguments.set(0, "--outbox.database.url=jdbc:postgresql://db/shop?password=very-secret");
        arguments.add("--outbox.kafka.properties.security.protocol=very-odd");
        InvalidSettingsException e = catchThrowableOfType(
                InvalidSettingsException.class,
                () -> load(arguments.toArray(String[]::new)).forRelay());
        assertThat(e).hasMessageContaining("has a password in it").message().doesNotContain("very-secret");
    }

    private InvalidSettingsException problems() {
        return catchThrowableOfType(InvalidSettingsException.class, () -> load().forRelay());
    }

    private void write(String file, String text) throws IOException {
        Files.writeString(directory.resolve(file), text);
    }

    private String at(int line) {
        return directory.resolve("application.properties") + ":" + line;
    }

    /** The settings of a process that runs in {@link #directory}, with {@link #variables} and no others. */
    private Settings load(String... arguments) {
        StandardEnvironment environment = new StandardEnvironment();
        environment
                .getPropertySources()
                .replace(
                        StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
                        new SystemEnvironmentPropertySource(
                                StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, variables));
        List<String> all = new ArrayList<>(List.of(arguments));
        all.add("--spring.config.location=" + directory.toUri());
        return new Settings(SettingsSource.read(environment, all, Optional.empty()));
    }
}
