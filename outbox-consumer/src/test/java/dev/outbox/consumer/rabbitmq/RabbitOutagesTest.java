package dev.outbox.consumer.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AuthenticationFailureException;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Method;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.IOException;
import java.net.ConnectException;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

class RabbitOutagesTest {

    private static final RabbitReceiverSettings SETTINGS =
            RabbitReceiverSettings.of(new ConnectionFactory(), "inventory");

    @Test
    void saysWhatTheServerAnsweredAndWhatMendsIt() {
        assertThat(explained(new IOException(signal(channelClose(404, "NOT_FOUND - no queue 'inventory'")))))
                .contains("queue=inventory", "server=localhost:5672", "virtualHost=/", "user=guest")
                .contains("code=404, answer=NOT_FOUND - no queue 'inventory'; declare it");
        assertThat(explained(signal(channelClose(403, "ACCESS_REFUSED - read access"))))
                .contains("permission");
        assertThat(explained(signal(channelClose(406, "PRECONDITION_FAILED - inequivalent arg"))))
                .contains("inequivalent arg", "as it is there");
        assertThat(explained(signal(connectionClose(530, "NOT_ALLOWED - vhost shop not found"))))
                .contains("vhost shop not found", "virtual host has to be there");
        assertThat(explained(signal(connectionClose(320, "CONNECTION_FORCED - broker forced"))))
                .endsWith("broker forced");
        assertThat(explained(new AuthenticationFailureException("ACCESS_REFUSED - Login was refused")))
                .contains("Login was refused", "password");
    }

    @Test
    void saysTheInnermostReasonWhereTheServerGaveNone() {
        assertThat(explained(new IOException(new ConnectException("Connection refused"))))
                .endsWith("error=ConnectException: Connection refused");
        assertThat(explained(new TimeoutException())).endsWith("error=TimeoutException");
    }

    private static String explained(Exception cause) {
        return String.valueOf(RabbitOutages.explain(SETTINGS, cause).getMessage());
    }

    private static ShutdownSignalException signal(Method reason) {
        return new ShutdownSignalException(false, false, reason, null);
    }

    private static Method channelClose(int code, String text) {
        return new AMQP.Channel.Close.Builder().replyCode(code).replyText(text).build();
    }

    private static Method connectionClose(int code, String text) {
        return new AMQP.Connection.Close.Builder()
                .replyCode(code)
                .replyText(text)
                .build();
    }
}
