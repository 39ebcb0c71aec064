package dev.outbox.relay;

import static dev.outbox.relay.RelayFixture.number;

import dev.outbox.relay.broker.BrokerSession;
import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import dev.outbox.testkit.KafkaOptions;
import dev.outbox.testkit.KafkaServer;
import dev.outbox.testkit.PostgresServer;
import dev.outbox.testkit.TopicReader;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Figures for the main path, each beside its ceiling in the same run: {@code drain}, {@code poll} or {@code held}.
 *
 * <p>Run by hand from the test class path; it asserts nothing.
 */
final class Measure {

    private static final int WRITERS = 8;

    private final RelayFixture fixture;
    private final KafkaServer kafka;

    private Measure(PostgresServer postgres, KafkaServer kafka) {
        this.kafka = kafka;
        this.fixture = new RelayFixture(postgres.createDatabase("measure"), kafka);
    }

    public static void main(String[] args) throws Exception {
        try (PostgresServer postgres = PostgresServer.start();
                KafkaServer kafka = KafkaServer.start(
                        KafkaOptions.defaults().withJvmOptions("-Xmx1g", "-XX:TieredStopAtLevel=4"))) {
            Measure measure = new Measure(postgres, kafka);
            switch (args[0]) {
                case "drain" -> measure.drain(Integer.parseInt(args[1]));
                case "profile" -> measure.profile(Integer.parseInt(args[1]));
                case "poll" -> measure.poll();
                case "held" -> measure.held(Duration.ofSeconds(Integer.parseInt(args[1])), Integer.parseInt(args[2]));
                default -> throw new IllegalArgumentException(args[0]);
            }
        }
    }

    /** Drains what was appended one message a transaction, and reads + produces the same rows plainly, by turns. */
    private void drain(int messages) throws Exception {
        fixture.reset();
        kafka.createTopic("drain", 1, Map.of());
        long appendNanos = appendOneByOne(messages, "drain");
        System.out.printf("append: %d in %.1f s, %.0f/s%n", messages, appendNanos / 1e9, messages * 1e9 / appendNanos);
        for (int round = 1; round <= 3; round++) {
            kafka.createTopic("plain-" + round, 1, Map.of());
            double plain = plainReadAndProduce("plain-" + round);
            try (Connection connection = fixture.connect();
                    Statement statement = connection.createStatement()) {
                statement.execute("TRUNCATE checkpoint, lane");
            }
            report(round, plain, sameRecordsWithoutBookkeeping(), drainOnce(messages));
        }
        try (Connection connection = fixture.connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT relname, n_tup_ins, n_tup_upd, n_tup_del, n_dead_tup"
                        + " FROM pg_stat_user_tables WHERE relname LIKE 'message_%' ORDER BY 1")) {
            while (rows.next()) {
                System.out.printf(
                        "%s: inserted %d, updated %d, deleted %d, dead %d%n",
                        rows.getString(1), rows.getLong(2), rows.getLong(3), rows.getLong(4), rows.getLong(5));
            }
        }
    }

    /** Drains again and again what was appended in bulk, for a profiler to look at. */
    private void profile(int messages) throws SQLException {
        fixture.reset();
        kafka.createTopic("drain", 1, Map.of());
        try (Connection connection = fixture.connect();
                Statement statement = connection.createStatement()) {
            statement.execute(
                    "INSERT INTO message (topic, key, type, source, payload) SELECT 'drain', 'key-' || n % 1000,"
                            + " 'thing.happened', 'test', '" + payload(1) + "' FROM generate_series(1, " + messages
                            + ") n");
            for (int round = 1; round <= 4; round++) {
                double plain = plainReadAndProduce("plain");
                statement.execute("TRUNCATE checkpoint, lane");
                report(round, plain, sameRecordsWithoutBookkeeping(), drainOnce(messages));
            }
        }
    }

    private static void report(int round, double plain, double records, double relay) {
        System.out.printf(
                "round %d: key and payload only %.0f/s, the same records %.0f/s, relay %.0f/s, ratios %.2f and %.2f%n",
                round, plain, records, relay, relay / plain, relay / records);
    }

    private long appendOneByOne(int messages, String topic) throws Exception {
        long start = System.nanoTime();
        ExecutorService writers = Executors.newFixedThreadPool(WRITERS);
        List<Future<?>> done = new ArrayList<>();
        for (int w = 0; w < WRITERS; w++) {
            done.add(writers.submit(() -> {
                try (Connection connection = fixture.connect()) {
                    for (int n = 0; n < messages / WRITERS; n++) {
                        RelayFixture.append(connection, topic, "key-" + n % 1000, payload(n));
                    }
                }
                return null;
            }));
        }
        for (Future<?> each : done) {
            each.get();
        }
        writers.shutdown();
        return System.nanoTime() - start;
    }

    private static String payload(int n) {
        return "{\"orderId\":\"" + n + "\",\"customer\":\"c-" + n % 997
                + "\",\"items\":[{\"sku\":\"sku-1\",\"quantity\":2,\"price\":\"19.90\"},{\"sku\":\"sku-2\",\"quantity\":1,\"price\":\"5.00\"}],"
                + "\"total\":\"44.80\",\"currency\":\"EUR\"}";
    }

    private double plainReadAndProduce(String topic) throws SQLException {
        AtomicLong acknowledged = new AtomicLong();
        long start = System.nanoTime();
        long count = 0;
        try (Connection connection =
                        fixture.database().openForLane(new LaneKey("default", 1, 0, 1), Duration.ofSeconds(10));
                PreparedStatement page = connection.prepareStatement(
                        "SELECT seq, key, payload FROM message WHERE seq > ? ORDER BY seq LIMIT 1000");
                KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                        Map.of(
                                "bootstrap.servers",
                                kafka.bootstrapServers(),
                                "acks",
                                "all",
                                "linger.ms",
                                0,
                                "batch.size",
                                256 * 1024,
                                "compression.type",
                                "lz4",
                                "buffer.memory",
                                64L << 20),
                        new ByteArraySerializer(),
                        new ByteArraySerializer())) {
            long last = 0;
            boolean more = true;
            while (more) {
                page.setLong(1, last);
                more = false;
                try (ResultSet rows = page.executeQuery()) {
                    while (rows.next()) {
                        last = rows.getLong(1);
                        var unused = producer.send(
                                new ProducerRecord<>(topic, rows.getBytes(2), rows.getBytes(3)),
                                (metadata, failure) -> acknowledged.incrementAndGet());
                        count++;
                        more = true;
                    }
                }
            }
            producer.flush();
        }
        return count * 1e9 / (System.nanoTime() - start);
    }

    /** The very records that the relay makes, read and sent without windows, pipeline or checkpoints. */
    private double sameRecordsWithoutBookkeeping() throws SQLException {
        AtomicLong acknowledged = new AtomicLong();
        BrokerSession.Delivery counter = new BrokerSession.Delivery() {
            @Override
            public void accepted(String destination, long offset) {
                acknowledged.incrementAndGet();
            }

            @Override
            public void failed(Failure failure) {
                throw new IllegalStateException(failure.toString());
            }
        };
        long start = System.nanoTime();
        long count = 0;
        LaneKey key = new LaneKey("default", 1, 0, 1);
        try (Connection connection = fixture.database().openForLane(key, Duration.ofSeconds(10));
                WindowReader reader = new WindowReader(connection, key, ChannelSettings.of("default"), 1000);
                BrokerSession session = fixture.broker().open()) {
            Window window = reader.open(Snapshot.BEFORE_ALL);
            Position position = new Position(Snapshot.BEFORE_ALL, window, 0);
            while (position.window() != null) {
                Page page = reader.page(position);
                position = page.after();
                for (Message message : page.messages()) {
                    session.send(message, counter).ifPresent(counter::failed);
                    count++;
                }
            }
            while (acknowledged.get() < count) {
                LockSupport.parkNanos(1_000_000);
            }
        }
        return count * 1e9 / (System.nanoTime() - start);
    }

    private double drainOnce(int messages) throws SQLException {
        long start = System.nanoTime();
        try (Relay relay = fixture.relay();
                Connection connection = fixture.connect()) {
            while (number(connection, "SELECT coalesce(max(published), 0) FROM checkpoint")
                    < messages - messages % WRITERS) {
                LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
                requireRunning(relay);
            }
            return messages * 1e9 / (System.nanoTime() - start);
        }
    }

    private static void requireRunning(Relay relay) {
        if (relay.stopped().isDone()) {
            throw new IllegalStateException("The relay has stopped");
        }
    }

    /** An empty look and a page of 1000, on an empty table and behind a million published rows. */
    private void poll() throws SQLException {
        fixture.reset();
        List<double[]> figures = new ArrayList<>();
        for (int published : new int[] {0, 1_000_000}) {
            try (Connection writer = fixture.connect();
                    Statement statement = writer.createStatement()) {
                statement.execute(insert(published));
                figures.add(pollTimes(statement));
            }
        }
        System.out.printf(
                "empty look: %.0f us on empty, %.0f us behind 1M, ratio %.2f%n",
                figures.get(0)[0], figures.get(1)[0], figures.get(1)[0] / figures.get(0)[0]);
        System.out.printf(
                "look and page of 1000: %.0f us on empty, %.0f us behind 1M, ratio %.2f%n",
                figures.get(0)[1], figures.get(1)[1], figures.get(1)[1] / figures.get(0)[1]);
    }

    private static String insert(int rows) {
        return "INSERT INTO message (topic, key, type, source, payload) SELECT 'orders', 'k' || n % 100, 'a.b', 'test', "
                + "'{\"n\":1}' FROM generate_series(1, " + rows + ") n";
    }

    private double[] pollTimes(Statement statement) throws SQLException {
        LaneKey key = new LaneKey("default", 1, 0, 1);
        ChannelSettings channel = ChannelSettings.of("default");
        double[] empty = new double[3000];
        double[] page = new double[300];
        try (Connection lane = fixture.database().openForLane(key, Duration.ofSeconds(10));
                WindowReader reader = new WindowReader(lane, key, channel, 1000)) {
            Snapshot at = reader.open(Snapshot.BEFORE_ALL).snapshot();
            for (int n = 0; n < empty.length; n++) {
                long start = System.nanoTime();
                at = reader.open(at).snapshot();
                empty[n] = (System.nanoTime() - start) / 1e3;
            }
            for (int n = 0; n < page.length; n++) {
                statement.execute(insert(1000));
                long start = System.nanoTime();
                Window window = reader.open(at);
                // The first few come in several pages, until the reader knows how small the messages are.
                Position position = new Position(at, window, window.low() - 1);
                while (position.window() != null) {
                    position = reader.page(position).after();
                }
                page[n] = (System.nanoTime() - start) / 1e3;
                at = window.snapshot();
            }
        }
        Arrays.sort(empty);
        Arrays.sort(page);
        return new double[] {empty[empty.length / 2], page[page.length / 2]};
    }

    /** How fast others flow while a transaction is held open, and how soon its message follows its commit. */
    private void held(Duration open, int messages) throws Exception {
        fixture.reset();
        kafka.createTopic("held", 1, Map.of());
        try (Relay relay = fixture.relay();
                TopicReader reader = fixture.read("held")) {
            long usual = commitToReceived(reader, Duration.ZERO, 0);
            double alone = flow(reader, messages / 5, 1);
            Connection late = fixture.connect();
            late.setAutoCommit(false);
            RelayFixture.append(late, "held", "late", "{}");
            long start = System.nanoTime();
            double beside = flow(reader, messages, 1 + messages / 5);
            while (System.nanoTime() - start < open.toNanos()) {
                LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
            }
            long commit = System.nanoTime();
            late.commit();
            reader.await(2 + messages / 5 + messages);
            long delay = System.nanoTime() - commit;
            System.out.printf(
                    "flow alone %.0f/s, beside an open transaction %.0f/s; commit to received: usual %.1f ms, held %.1f ms after %d s%n",
                    alone, beside, usual / 1e6, delay / 1e6, open.toSeconds());
            late.close();
            System.out.println("relay stopped: " + relay.stopped().isDone());
        }
    }

    private long commitToReceived(TopicReader reader, Duration open, int before) throws SQLException {
        try (Connection connection = fixture.connect()) {
            connection.setAutoCommit(false);
            RelayFixture.append(connection, "held", "late", "{}");
            LockSupport.parkNanos(open.toNanos() + Duration.ofSeconds(2).toNanos());
            long commit = System.nanoTime();
            connection.commit();
            reader.await(before + 1);
            return System.nanoTime() - commit;
        }
    }

    private double flow(TopicReader reader, int messages, int before) throws Exception {
        long start = System.nanoTime();
        long ignored = appendOneByOne(messages, "held");
        reader.await(before + messages / WRITERS * WRITERS);
        return messages * 1e9 / (System.nanoTime() - start);
    }
}
