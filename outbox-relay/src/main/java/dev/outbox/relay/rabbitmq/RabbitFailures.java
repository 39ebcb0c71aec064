package dev.outbox.relay.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Method;
import com.rabbitmq.client.ShutdownSignalException;
import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Failure.Kind;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Tells from what RabbitMQ or its client says who is at fault. What is not known for sure is an outage: nothing is lost.
 *
 * <p>The reply codes are those of AMQP 0-9-1, section 1.2 of its reference.
 */
final class RabbitFailures {

    private static final int ACCESS_REFUSED = 403;
    private static final int NOT_FOUND = 404;
    private static final int PRECONDITION_FAILED = 406;
    private static final int COMMAND_INVALID = 503;
    private static final int NOT_IMPLEMENTED = 540;

    private static final Pattern EXCHANGE = Pattern.compile("exchange '([^']*)' in vhost");
    private static final Pattern SIZE_MAX = Pattern.compile("larger than (?:configured )?max size (\\d+)");

    private RabbitFailures() {}

    /** Of an exception that ended a connection or a channel, or kept one from being opened. */
    static Failure of(Throwable cause) {
        Optional<Close> close = Close.in(cause);
        if (close.isPresent()) {
            return new Failure(
                    close.get().kind(), close.get().name(), close.get().said());
        }
        return Failure.of(Kind.OUTAGE, cause);
    }

    /** RabbitMQ cannot take the message now: its queue is full and refuses, or the queue's own process failed. */
    static Failure nacked(RabbitRoutes.Target target) {
        return new Failure(
                Kind.OUTAGE,
                "Nacked",
                "RabbitMQ did not take the message: " + target
                        + "; a queue is full (overflow reject-publish), or cannot store it now");
    }

    /** No queue is bound where the message was sent. */
    static Failure returned(RabbitRoutes.Target target, int replyCode, String replyText) {
        if (target.isQueue()) {
            return new Failure(
                    Kind.TOPIC, "NoQueue", replyCode + " " + replyText + ": there is no queue " + target.routingKey());
        }
        return new Failure(
                Kind.MESSAGE,
                "Unroutable",
                replyCode + " " + replyText + ": no queue takes it, " + target
                        + "; bind a queue, or let the route be not mandatory if nobody needs it");
    }

    /** The message is beyond what AMQP or RabbitMQ can carry. */
    static Failure tooLarge(int bytes, long most) {
        return new Failure(
                Kind.MESSAGE,
                "MessageTooLarge",
                "the body has " + bytes + " bytes, RabbitMQ takes at most " + most
                        + "; raise max_message_size there, or make the message smaller");
    }

    /** RabbitMQ asks publishers to stop: memory or disk alarm. */
    static Failure blocked(String reason) {
        return new Failure(Kind.OUTAGE, "Blocked", "RabbitMQ blocks publishers: " + reason);
    }

    /** What the server said when it closed a channel or a connection. */
    record Close(int code, String text) {

        /** In an exception or its causes, if the server closed something. */
        static Optional<Close> in(@Nullable Throwable thrown) {
            for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
                if (cause instanceof ShutdownSignalException signal) {
                    return of(signal.getReason());
                }
            }
            return Optional.empty();
        }

        private static Optional<Close> of(@Nullable Method reason) {
            if (reason instanceof AMQP.Channel.Close close) {
                return Optional.of(new Close(close.getReplyCode(), close.getReplyText()));
            }
            if (reason instanceof AMQP.Connection.Close close) {
                return Optional.of(new Close(close.getReplyCode(), close.getReplyText()));
            }
            return Optional.empty();
        }

        /** For people: code and text. */
        String said() {
            return code + " " + text;
        }

        /** Whether something exists already, but not as it was declared. */
        boolean isMismatch() {
            return code == PRECONDITION_FAILED;
        }

        /** Whether there is no such exchange or queue. */
        boolean isNotFound() {
            return code == NOT_FOUND;
        }

        /** Whether the server knows no such thing, as a type of exchange without its plugin: it closes the connection then. */
        boolean isImpossible() {
            return code == COMMAND_INVALID || code == NOT_IMPLEMENTED;
        }

        Kind kind() {
            return code == NOT_FOUND || code == ACCESS_REFUSED ? Kind.TOPIC : Kind.OUTAGE;
        }

        String name() {
            return switch (code) {
                case ACCESS_REFUSED -> "AccessRefused";
                case NOT_FOUND -> "NotFound";
                case PRECONDITION_FAILED -> "PreconditionFailed";
                default -> "Closed" + code;
            };
        }

        /** The exchange that is missing or forbidden, if it was about one. */
        Optional<String> exchange() {
            Matcher matcher = EXCHANGE.matcher(text);
            return kind() == Kind.TOPIC && matcher.find() ? Optional.of(matcher.group(1)) : Optional.empty();
        }

        /** The largest body that the server takes, if it was about one that is larger. */
        OptionalLong messageBytesMax() {
            Matcher matcher = SIZE_MAX.matcher(text);
            return code == PRECONDITION_FAILED && matcher.find()
                    ? OptionalLong.of(Long.parseLong(matcher.group(1)))
                    : OptionalLong.empty();
        }
    }
}
