package dev.outbox.consumer.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Method;
import com.rabbitmq.client.PossibleAuthenticationFailureException;
import com.rabbitmq.client.ShutdownSignalException;
import dev.outbox.OutboxException;
import org.jspecify.annotations.Nullable;

/** Says in one line why nothing is received, and what mends it. The client's own texts are those of its protocol. */
final class RabbitOutages {

    /** The server's answer to a client that ended a connection or channel for cause. */
    private record Answer(int code, String text) {

        String mend() {
            return switch (code) {
                case AMQP.ACCESS_REFUSED -> "; the user needs the permission, or another password";
                case AMQP.NOT_FOUND -> "; declare it, or let the receiver do it: withDeclaration(...)";
                case AMQP.PRECONDITION_FAILED ->
                    "; what is declared has to be as it is there, and an event is handed out for no longer than the"
                            + " server's consumer_timeout";
                case AMQP.NOT_ALLOWED -> "; the virtual host has to be there, and open to the user";
                case AMQP.RESOURCE_LOCKED -> "; another consumer has the queue for itself";
                default -> "";
            };
        }
    }

    private RabbitOutages() {}

    static OutboxException explain(RabbitReceiverSettings settings, Exception cause) {
        Answer answer = answer(cause);
        String what =
                answer == null ? text(cause) : "code=" + answer.code() + ", answer=" + answer.text() + answer.mend();
        return new OutboxException(
                "Nothing is received from RabbitMQ: queue=" + settings.queue() + ", server=" + settings.servers()
                        + ", virtualHost=" + settings.server().getVirtualHost() + ", user="
                        + settings.server().getUsername() + ", " + what,
                cause);
    }

    private static @Nullable Answer answer(Exception cause) {
        for (Throwable each = cause; each != null; each = each.getCause()) {
            if (each instanceof PossibleAuthenticationFailureException) {
                return new Answer(AMQP.ACCESS_REFUSED, String.valueOf(each.getMessage()));
            }
            if (each instanceof ShutdownSignalException signal) {
                Method reason = signal.getReason();
                if (reason instanceof AMQP.Channel.Close close) {
                    return new Answer(close.getReplyCode(), close.getReplyText());
                }
                if (reason instanceof AMQP.Connection.Close close) {
                    return new Answer(close.getReplyCode(), close.getReplyText());
                }
            }
        }
        return null;
    }

    /** The innermost cause has the reason; what is around it says only that there is one. */
    private static String text(Exception cause) {
        Throwable innermost = cause;
        while (innermost.getCause() != null) {
            innermost = innermost.getCause();
        }
        String error = "error=" + innermost.getClass().getSimpleName();
        return innermost.getMessage() == null ? error : error + ": " + innermost.getMessage();
    }
}
