package dev.outbox.relay.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.Method;
import com.rabbitmq.client.MissedHeartbeatException;
import com.rabbitmq.client.PossibleAuthenticationFailureException;
import com.rabbitmq.client.ShutdownSignalException;
import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Failure.Kind;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RabbitFailuresTest {

    private static ShutdownSignalException channelClosed(int code, String text) {
        Method reason = new AMQP.Channel.Close.Builder()
                .replyCode(code)
                .replyText(text)
                .classId(60)
                .methodId(40)
                .build();
        return new ShutdownSignalException(false, false, reason, null);
    }

    private static ShutdownSignalException connectionClosed(int code, String text) {
        Method reason = new AMQP.Connection.Close.Builder()
                .replyCode(code)
                .replyText(text)
                .classId(0)
                .methodId(0)
                .build();
        return new ShutdownSignalException(true, false, reason, null);
    }

    static Stream<Arguments> kinds() {
        ShutdownSignalException missing = channelClosed(404, "NOT_FOUND - no exchange 'orders' in vhost '/'");
        return Stream.of(
                Arguments.of(missing, Kind.TOPIC),
                Arguments.of(new IOException(missing), Kind.TOPIC),
                Arguments.of(new AlreadyClosedException(missing, missing), Kind.TOPIC),
                Arguments.of(
                        channelClosed(403, "ACCESS_REFUSED - access to exchange 'orders' in vhost '/'"), Kind.TOPIC),
                Arguments.of(
                        channelClosed(406, "PRECONDITION_FAILED - message size 9 is larger than max size 8"),
                        Kind.OUTAGE),
                Arguments.of(channelClosed(541, "INTERNAL_ERROR"), Kind.OUTAGE),
                Arguments.of(
                        connectionClosed(320, "CONNECTION_FORCED - broker forced connection closure"), Kind.OUTAGE),
                Arguments.of(connectionClosed(530, "NOT_ALLOWED - vhost x not found"), Kind.OUTAGE),
                Arguments.of(new PossibleAuthenticationFailureException("no"), Kind.OUTAGE),
                Arguments.of(new MissedHeartbeatException("gone"), Kind.OUTAGE),
                Arguments.of(new EOFException(), Kind.OUTAGE),
                Arguments.of(new ConnectException("refused"), Kind.OUTAGE),
                Arguments.of(new TimeoutException(), Kind.OUTAGE),
                Arguments.of(new IllegalStateException("a bug"), Kind.OUTAGE));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whatIsNotKnownForSureIsAnOutage(Throwable cause, Kind kind) {
        assertThat(RabbitFailures.of(cause).kind()).isEqualTo(kind);
    }

    @Test
    void aFailureSaysCodeAndTextOfTheServer() {
        Failure failure = RabbitFailures.of(channelClosed(404, "NOT_FOUND - no exchange 'orders' in vhost '/'"));
        assertThat(failure.errorClass()).isEqualTo("NotFound");
        assertThat(failure.error()).isEqualTo("404 NOT_FOUND - no exchange 'orders' in vhost '/'");
    }

    @Test
    void theExchangeAtFaultIsFoundInTheText() {
        assertThat(close(404, "NOT_FOUND - no exchange named orders in vhost '/'")
                        .exchange())
                .isEmpty();
        assertThat(close(404, "NOT_FOUND - no exchange 'orders' in vhost '/'").exchange())
                .hasValue("orders");
        assertThat(close(403, "ACCESS_REFUSED - write access to exchange 'orders' in vhost '/' refused for user 'u'")
                        .exchange())
                .hasValue("orders");
        assertThat(close(406, "PRECONDITION_FAILED - exchange 'orders' in vhost '/'")
                        .exchange())
                .isEmpty();
    }

    /** RabbitMQ 3.10 and RabbitMQ 4 say it in different words. */
    @Test
    void theLargestMessageIsFoundInTheText() {
        assertThat(close(406, "PRECONDITION_FAILED - message size 400000 is larger than configured max size 200000")
                        .messageBytesMax())
                .hasValue(200_000);
        assertThat(close(406, "PRECONDITION_FAILED - message size 400000 is larger than max size 16777216")
                        .messageBytesMax())
                .hasValue(16_777_216);
        assertThat(close(406, "PRECONDITION_FAILED - inequivalent arg 'type'").messageBytesMax())
                .isEmpty();
    }

    private static RabbitFailures.Close close(int code, String text) {
        return RabbitFailures.Close.in(channelClosed(code, text)).orElseThrow();
    }
}
