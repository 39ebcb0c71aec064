package dev.outbox.relay;

import static dev.outbox.relay.RelayFixture.number;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Channel;
import dev.outbox.relay.ChannelSettings.Order;
import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.kafka.KafkaBroker;
import dev.outbox.relay.rabbitmq.RabbitBroker;
import dev.outbox.relay.rabbitmq.RabbitRoutes;
import dev.outbox.relay.rabbitmq.RabbitSettings;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.PostgresServer;
import dev.outbox.testkit.RabbitOptions;
import dev.outbox.testkit.RabbitServer;
import dev.outbox.testkit.TopicReader;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;

/**
 * Figures for RabbitMQ, each beside its ceiling in the same run: {@code drain N [classic|quorum]}, {@code strict N} or
 * {@code outage SECONDS}.
 *
 * <p>Run by hand from the test class path; it asserts nothing.
 */
final class MeasureRabbit {

    private static final int IN_FLIGHT = 8000;

    private final RelayFixture fixture;
    private final RabbitServer rabbit;
    private final String queueType;

    private MeasureRabbit(PostgresServer postgres, RabbitServer rabbit, String queueType) {
        this.fixture = new RelayFixture(postgres.createDatabase("measure"));
        this.rabbit = rabbit;
        this.queueType = queueType;
    }

    public static void main(String[] args) throws Exception {
        try (PostgresServer postgres = PostgresServer.start();
                RabbitServer rabbit =
                        RabbitServer.start(RabbitOptions.defaults().asNativeOnly())) {
            MeasureRabbit measure = new MeasureRabbit(postgres, rabbit, args.length > 2 ? args[2] : "classic");
            switch (args[0]) {
                case "drain" -> measure.drain(Integer.parseInt(args[1]));
                case "strict" -> measure.strict(Integer.parseInt(args[1]));
                case "outage" -> measure.outage(Duration.ofSeconds(Integer.parseInt(args[1])));
                default -> throw new IllegalArgumentException(args[0]);
            }
        }
    }

    private void drain(int messages) throws Exception {
        fixture.reset();
        append(messages, 1000);
        for (int round = 1; round <= 3; round++) {
            double bare = plainReadAndPublish(false);
            double records = plainReadAndPublish(true);
            double relay = drainOnce(messages, Order.PIPELINED);
            System.out.printf(
                    "round %d, %s queue: key and payload only %.0f/s, the same messages %.0f/s, relay %.0f/s, ratios %.2f and %.2f%n",
                    round, queueType, bare, records, relay, relay / bare, relay / records);
        }
    }

    private void strict(int messages) throws Exception {
        for (int keys : new int[] {500, 1}) {
            int count = keys == 1 ? messages / 10 : messages;
            fixture.reset();
            append(count, keys);
            for (int round = 1; round <= 3; round++) {
                double pipelined = drainOnce(count, Order.PIPELINED);
                double strict = drainOnce(count, Order.STRICT);
                System.out.printf(
                        "round %d, keys %d: pipelined %.0f/s, strict %.0f/s, ratio %.2f%n",
                        round, keys, pipelined, strict, strict / pipelined);
            }
        }
    }

    private void append(int messages, int keys) throws SQLException {
        try (Connection connection = fixture.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO message (topic, key, type, source, payload) SELECT 'drain', 'key-' || n % "
                    + keys + ", 'order.created', 'order-service',"
                    + " ('{\"orderId\":\"' || n || '\",\"customer\":\"c-' || n % 997 ||"
                    + " '\",\"items\":[{\"sku\":\"sku-1\",\"quantity\":2,\"price\":\"19.90\"},{\"sku\":\"sku-2\",\"quantity\":1,"
                    + "\"price\":\"5.00\"}],\"total\":\"44.80\",\"currency\":\"EUR\"}')::json"
                    + " FROM generate_series(1, " + messages + ") n");
        }
    }

    private void emptyQueue() throws Exception {
        try (com.rabbitmq.client.Connection connection =
                        rabbit.connectionFactory().newConnection();
                Channel channel = connection.createChannel()) {
            channel.exchangeDeclare("drain", "topic", true);
            channel.queueDelete("drain");
            channel.queueDeclare("drain", true, false, false, Map.of("x-queue-type", queueType));
            channel.queueBind("drain", "drain", "#");
        }
    }

    /** One thread reads pages and publishes them, the client counts the confirms: no window, no page, no checkpoint. */
    private double plainReadAndPublish(boolean sameMessages) throws Exception {
        emptyQueue();
        AtomicLong confirmed = new AtomicLong();
        long count = 0;
        long start = System.nanoTime();
        try (Connection connection =
                        fixture.database().openForLane(new LaneKey("default", 1, 0, 1), Duration.ofSeconds(10));
                PreparedStatement page = connection.prepareStatement("SELECT seq, key, payload, id, type, version,"
                        + " occurred_at, source, content_type FROM message WHERE seq > ? ORDER BY seq LIMIT 1000");
                com.rabbitmq.client.Connection amqp = rabbit.connectionFactory().newConnection();
                Channel channel = amqp.createChannel()) {
            channel.confirmSelect();
            channel.addConfirmListener(
                    (tag, multiple) -> confirmed.accumulateAndGet(tag, Math::max), (tag, multiple) -> {
                        throw new IllegalStateException("nacked");
                    });
            long last = 0;
            boolean more = true;
            while (more) {
                page.setLong(1, last);
                more = false;
                try (ResultSet rows = page.executeQuery()) {
                    while (rows.next()) {
                        last = rows.getLong(1);
                        channel.basicPublish(
                                "drain",
                                "order.created",
                                true,
                                sameMessages ? properties(rows) : bare(rows),
                                sameMessages ? envelope(rows) : rows.getBytes(3));
                        count++;
                        more = true;
                    }
                }
                while (count - confirmed.get() > IN_FLIGHT) {
                    LockSupport.parkNanos(50_000);
                }
            }
            while (confirmed.get() < count) {
                LockSupport.parkNanos(50_000);
            }
        }
        return count * 1e9 / (System.nanoTime() - start);
    }

    private static BasicProperties bare(ResultSet rows) throws SQLException {
        return new BasicProperties.Builder()
                .deliveryMode(2)
                .headers(Map.of("x-key", rows.getString(2)))
                .build();
    }

    @SuppressWarnings("JavaUtilDate") // the client's own type
    private static BasicProperties properties(ResultSet rows) throws SQLException {
        Instant occurredAt = rows.getTimestamp(7).toInstant();
        Map<String, Object> headers = new HashMap<>();
        headers.put("x-event-version", rows.getString(6));
        headers.put("x-source-service", rows.getString(8));
        headers.put("x-occurred-at", occurredAt.toString());
        headers.put("x-key", rows.getString(2));
        headers.put("x-sequence", rows.getLong(1));
        headers.put("x-retry-count", 0);
        return new BasicProperties.Builder()
                .messageId(rows.getString(4))
                .type(rows.getString(5))
                .contentType(rows.getString(9))
                .appId(rows.getString(8))
                .timestamp(Date.from(occurredAt))
                .deliveryMode(2)
                .headers(headers)
                .build();
    }

    private static byte[] envelope(ResultSet rows) throws SQLException {
        return ("{\"eventId\":\"" + rows.getString(4) + "\",\"eventType\":\"" + rows.getString(5)
                        + "\",\"eventVersion\":\"" + rows.getString(6) + "\",\"occurredAt\":\""
                        + rows.getTimestamp(7).toInstant() + "\",\"source\":{\"service\":\"" + rows.getString(8)
                        + "\"},\"data\":" + rows.getString(3) + "}")
                .getBytes(StandardCharsets.UTF_8);
    }

    private Broker broker() {
        return RabbitBroker.of(
                RabbitSettings.of(rabbit.host() + ":" + rabbit.port()).withLogin(rabbit.user(), rabbit.password()),
                RabbitRoutes.usual(),
                Envelope.Format.JSON);
    }

    private double drainOnce(int messages, Order order) throws Exception {
        emptyQueue();
        try (Connection connection = fixture.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("TRUNCATE checkpoint, lane");
            long start = System.nanoTime();
            try (Relay relay =
                    fixture.relay(Map.of(ChannelSettings.of("default").withOrder(order), broker()))) {
                while (number(connection, "SELECT coalesce(max(published), 0) FROM checkpoint") < messages) {
                    LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
                    requireRunning(relay);
                }
                return messages * 1e9 / (System.nanoTime() - start);
            }
        }
    }

    private static void requireRunning(Relay relay) {
        if (relay.stopped().isDone()) {
            throw new IllegalStateException("The relay has stopped");
        }
    }

    /** From append to record on Kafka, at 20 messages a second, while RabbitMQ beside it is there, gone and back. */
    private void outage(Duration outage) throws Exception {
        fixture.reset();
        emptyQueue();
        try (KafkaServer kafka = KafkaServer.start()) {
            kafka.createTopic("latency", 1, Map.of());
            Broker toKafka = KafkaBroker.of(kafka.bootstrapServers(), Map.of(), Envelope.Format.JSON);
            try (Relay relay = fixture.relay(
                            Map.of(ChannelSettings.of("default"), toKafka, ChannelSettings.of("rabbit"), broker()));
                    Connection connection = fixture.connect();
                    TopicReader reader = TopicReader.of(kafka, "latency")) {
                latencies("RabbitMQ there", connection, reader, Duration.ofSeconds(20), 0);
                rabbit.kill();
                int before = reader.count();
                latencies("RabbitMQ gone", connection, reader, outage, before);
                rabbit.restart();
                before = reader.count();
                latencies("RabbitMQ back", connection, reader, Duration.ofSeconds(20), before);
                while (number(connection, "SELECT count(*) FROM pending") > 0) {
                    LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
                    requireRunning(relay);
                }
                System.out.println("pending 0, parked " + number(connection, "SELECT count(*) FROM parked"));
            }
        }
    }

    private static void latencies(String when, Connection connection, TopicReader reader, Duration length, int before)
            throws SQLException {
        long end = System.nanoTime() + length.toNanos();
        int read = before;
        LongStream.Builder nanos = LongStream.builder();
        while (System.nanoTime() - end < 0) {
            try (Statement statement = connection.createStatement()) {
                statement.execute("INSERT INTO message (channel, topic, key, type, source, payload) VALUES"
                        + " ('rabbit', 'drain', 'k', 'a.b', 'test', '1')");
            }
            long start = System.nanoTime();
            RelayFixture.append(connection, "latency", "k", "1");
            reader.await(++read);
            nanos.add(System.nanoTime() - start);
            LockSupport.parkNanos(Duration.ofMillis(40).toNanos());
        }
        long[] sorted = nanos.build().toArray();
        Arrays.sort(sorted);
        System.out.printf(
                "%s: %d messages, append to receipt p50 %.1f ms, p99 %.1f ms, max %.1f ms%n",
                when,
                sorted.length,
                sorted[sorted.length / 2] / 1e6,
                sorted[sorted.length * 99 / 100] / 1e6,
                sorted[sorted.length - 1] / 1e6);
    }
}
