package dev.outbox.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.BuiltinExchangeType;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.MessageProperties;
import com.rabbitmq.client.ShutdownSignalException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RabbitServerIT {

    private static final RabbitOptions NATIVE = RabbitOptions.defaults().asNativeOnly();
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final int SHORT_MILLIS = 300;

    private static RabbitServer shared;

    @BeforeAll
    static void startOne() {
        shared = RabbitServer.start(NATIVE);
    }

    @AfterAll
    static void closeIt() {
        shared.close();
    }

    @Test
    void confirmedMessagesOutliveStopCloseAndKill(@TempDir Path directory) throws Exception {
        int port;
        try (RabbitServer server = RabbitServer.start(NATIVE.withDirectory(directory))) {
            port = server.port();
            publish(server.connectionFactory(), "kept", 1, 50);
            server.stop();
            assertThat(server.isRunning()).isFalse();
            assertThatThrownBy(server::pid).hasMessageContaining("port=" + port);
        }
        try (RabbitServer server =
                RabbitServer.start(NATIVE.withDirectory(directory).withPort(port))) {
            publish(server.connectionFactory(), "kept", 51, 100);
            long pid = server.pid();
            List<ProcessHandle> helpers = Signals.children(pid);
            assertThat(helpers).isNotEmpty();
            server.kill();
            assertThat(server.isRunning()).isFalse();
            assertThat(Signals.isRunning(pid)).isFalse();
            Signals.awaitGone(helpers, Duration.ZERO);
            server.restart();
            assertThat(server.port()).isEqualTo(port);
            assertThat(drain(server.connectionFactory(), "kept"))
                    .hasSize(100)
                    .startsWith("1", "2")
                    .endsWith("99", "100");
        }
        assertThat(directory.resolve("rabbitmq.log")).isNotEmptyFile();
    }

    @Test
    void takesSettingsAndPlugins() throws Exception {
        RabbitOptions options = NATIVE.withSetting("max_message_size", "1000")
                .withPlugins(RabbitOptions.MANAGEMENT, "rabbitmq_consistent_hash_exchange");
        try (RabbitServer server = RabbitServer.start(options);
                Connection connection = server.connectionFactory().newConnection()) {
            Channel channel = connection.createChannel();
            channel.exchangeDeclare("hashed", "x-consistent-hash", true);
            channel.confirmSelect();
            channel.basicPublish("hashed", "k", null, new byte[1_000]);
            channel.waitForConfirmsOrDie(TIMEOUT.toMillis());
            channel.basicPublish("hashed", "k", null, new byte[1_001]);
            assertThatThrownBy(() -> channel.waitForConfirmsOrDie(TIMEOUT.toMillis()))
                    .isInstanceOf(ShutdownSignalException.class)
                    .hasMessageContaining("1000");
            assertThat(exchanges(server)).contains("\"hashed\"");
        }
        assertThatThrownBy(shared::managementUri).hasMessageContaining("withPlugins");
    }

    @Test
    void aSuspendedServerAnswersOnceResumed() throws Exception {
        try (Connection connection = shared.connectionFactory().newConnection();
                Channel channel = connection.createChannel()) {
            channel.confirmSelect();
            shared.suspend();
            try {
                channel.basicPublish("amq.direct", "k", null, new byte[1]);
                assertThatThrownBy(() -> channel.waitForConfirms(SHORT_MILLIS)).isInstanceOf(TimeoutException.class);
            } finally {
                shared.resume();
            }
            assertThat(channel.waitForConfirms(TIMEOUT.toMillis())).isTrue();
        }
    }

    @Test
    void theMemoryAlarmBlocksWhoPublishes() throws Exception {
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch unblocked = new CountDownLatch(1);
        try (Connection connection = shared.connectionFactory().newConnection();
                Channel channel = connection.createChannel()) {
            connection.addBlockedListener(reason -> blocked.countDown(), unblocked::countDown);
            channel.confirmSelect();
            shared.setMemoryAlarm(true);
            try {
                channel.basicPublish("amq.direct", "k", null, new byte[1]);
                assertThat(blocked.await(TIMEOUT.toSeconds(), TimeUnit.SECONDS)).isTrue();
                assertThatThrownBy(() -> channel.waitForConfirms(SHORT_MILLIS)).isInstanceOf(TimeoutException.class);
            } finally {
                shared.setMemoryAlarm(false);
            }
            assertThat(unblocked.await(TIMEOUT.toSeconds(), TimeUnit.SECONDS)).isTrue();
            assertThat(channel.waitForConfirms(TIMEOUT.toMillis())).isTrue();
        }
    }

    @Test
    void aUserMayDoWhatItIsPermittedInItsVirtualHost() throws Exception {
        String user = RabbitServer.uniqueName("user");
        try (RabbitVirtualHost host = shared.createVirtualHost(RabbitServer.uniqueName("a \"host\" of ours, ä"))) {
            host.addUser(user, "secret", "", "^orders$", "");
            ConnectionFactory factory = host.connectionFactory();
            factory.setUsername(user);
            factory.setPassword("secret");
            try (Connection own = host.connectionFactory().newConnection();
                    Channel channel = own.createChannel();
                    Connection connection = factory.newConnection()) {
                channel.exchangeDeclare("orders", BuiltinExchangeType.TOPIC, true);
                channel.exchangeDeclare("prices", BuiltinExchangeType.TOPIC, true);
                assertThat(refusal(connection, "orders")).isZero();
                assertThat(refusal(connection, "prices")).isEqualTo(AMQP.ACCESS_REFUSED);
                host.setPermissions(user, "", "^prices$", "");
                assertThat(refusal(connection, "orders")).isEqualTo(AMQP.ACCESS_REFUSED);
                assertThat(refusal(connection, "prices")).isZero();
            }
            assertThatThrownBy(() -> host.addUser(user, "other", "", "", ""))
                    .hasMessageContaining("user_already_exists")
                    .hasMessageNotContaining("other");
            factory.setVirtualHost(shared.virtualHost());
            assertThatThrownBy(factory::newConnection).isInstanceOf(java.io.IOException.class);
        }
    }

    @Test
    void aPolicyMakesAFullQueueRefuse() throws Exception {
        try (RabbitVirtualHost host = shared.defaultVirtualHost();
                Connection connection = host.connectionFactory().newConnection();
                Channel channel = connection.createChannel()) {
            host.setPolicy("bounded", "^small$", "queues", "{\"max-length\": 2, \"overflow\": \"reject-publish\"}");
            channel.queueDeclare("small", true, false, false, Map.of());
            channel.queueDeclare("large", true, false, false, Map.of());
            channel.confirmSelect();
            assertThat(accepted(channel, "small")).isTrue();
            assertThat(accepted(channel, "small")).isTrue();
            assertThat(accepted(channel, "small")).isFalse();
            for (int i = 0; i < 3; i++) {
                assertThat(accepted(channel, "large")).isTrue();
            }
            host.clearPolicy("bounded");
            Await.until("queue to accept again", TIMEOUT, () -> accepted(channel, "small"));
            assertThatThrownBy(() -> host.setPolicy("odd", ".*", "queues", "{\"max-lenght\": 2}"))
                    .hasMessageContaining("max-lenght");
        }
    }

    @Test
    void virtualHostsAreApartAndDropped() throws Exception {
        String name = RabbitServer.uniqueName("apart");
        ConnectionFactory factory;
        try (RabbitVirtualHost first = shared.createVirtualHost(name);
                RabbitVirtualHost second = shared.createVirtualHost(RabbitServer.uniqueName("apart"))) {
            factory = first.connectionFactory();
            publish(first.connectionFactory(), "q", 1, 2);
            publish(second.connectionFactory(), "q", 3, 3);
            assertThat(drain(first.connectionFactory(), "q")).containsExactly("1", "2");
            assertThatThrownBy(() -> shared.createVirtualHost(name)).isInstanceOf(IllegalStateException.class);
        }
        assertThatThrownBy(factory::newConnection).isInstanceOf(java.io.IOException.class);
    }

    @Test
    void anExternalServerIsUsedButNotTouched() throws Exception {
        System.setProperty("OUTBOX_TEST_RABBITMQ", shared.amqpUri());
        try (RabbitServer external = RabbitServer.start();
                RabbitVirtualHost host = external.createVirtualHost("wished-for")) {
            assertThat(host.name()).isEqualTo("/");
            assertThat(external.amqpUri()).isEqualTo(shared.amqpUri());
            String queue = RabbitServer.uniqueName("orders");
            publish(host.connectionFactory(), queue, 1, 1);
            assertThat(drain(external.connectionFactory(), queue)).containsExactly("1");
            assertThatThrownBy(external::kill)
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("OUTBOX_TEST_RABBITMQ");
            assertThatThrownBy(() -> external.setMemoryAlarm(true))
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("OUTBOX_TEST_RABBITMQ");
            System.setProperty("OUTBOX_TEST_RABBITMQ", "http://guest:secret@127.0.0.1");
            assertThatThrownBy(RabbitServer::start)
                    .hasMessageContaining("OUTBOX_TEST_RABBITMQ")
                    .hasMessageNotContaining("secret");
        } finally {
            System.clearProperty("OUTBOX_TEST_RABBITMQ");
        }
        assertThat(shared.isRunning()).isTrue();
        shared.connectionFactory().newConnection().close();
    }

    private static void publish(ConnectionFactory factory, String queue, int first, int last) throws Exception {
        try (Connection connection = factory.newConnection();
                Channel channel = connection.createChannel()) {
            channel.queueDeclare(queue, true, false, false, Map.of());
            channel.confirmSelect();
            for (int i = first; i <= last; i++) {
                byte[] body = Integer.toString(i).getBytes(StandardCharsets.UTF_8);
                channel.basicPublish("", queue, MessageProperties.PERSISTENT_BASIC, body);
            }
            channel.waitForConfirmsOrDie(TIMEOUT.toMillis());
        }
    }

    private static List<String> drain(ConnectionFactory factory, String queue) throws Exception {
        List<String> bodies = new ArrayList<>();
        try (Connection connection = factory.newConnection();
                Channel channel = connection.createChannel()) {
            for (GetResponse got = channel.basicGet(queue, true); got != null; got = channel.basicGet(queue, true)) {
                bodies.add(new String(got.getBody(), StandardCharsets.UTF_8));
            }
        }
        return bodies;
    }

    private static boolean accepted(Channel channel, String queue) {
        try {
            channel.basicPublish("", queue, null, new byte[1]);
            return channel.waitForConfirms(TIMEOUT.toMillis());
        } catch (Exception e) {
            throw new AssertionError("Not published: queue=" + queue, e);
        }
    }

    /** The code with which the server refuses a message to an exchange; 0 when it takes it. */
    private static int refusal(Connection connection, String exchange) throws Exception {
        Channel channel = connection.createChannel();
        channel.confirmSelect();
        channel.basicPublish(exchange, "k", null, new byte[1]);
        try {
            assertThat(channel.waitForConfirms(TIMEOUT.toMillis())).isTrue();
            channel.close();
            return 0;
        } catch (ShutdownSignalException e) {
            return ((AMQP.Channel.Close) e.getReason()).getReplyCode();
        }
    }

    private static String exchanges(RabbitServer server) throws Exception {
        String login = Base64.getEncoder()
                .encodeToString((server.user() + ":" + server.password()).getBytes(StandardCharsets.UTF_8));
        HttpRequest request = HttpRequest.newBuilder(URI.create(server.managementUri() + "/api/exchanges"))
                .header("Authorization", "Basic " + login)
                .timeout(TIMEOUT)
                .build();
        return HttpClient.newHttpClient()
                .send(request, HttpResponse.BodyHandlers.ofString())
                .body();
    }
}
