package dev.outbox.relay.cli;

import dev.outbox.relay.ChannelSettings;
import dev.outbox.relay.ForeignPositionException;
import dev.outbox.relay.LoggingListener;
import dev.outbox.relay.Relay;
import dev.outbox.relay.RelayException;
import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.BrokerUnavailableException;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.config.RelayConfiguration;
import dev.outbox.relay.config.RelayConfiguration.BrokerKind;
import dev.outbox.relay.kafka.KafkaBroker;
import dev.outbox.relay.rabbitmq.RabbitBroker;
import dev.outbox.relay.rabbitmq.RabbitRoutes;
import dev.outbox.relay.rabbitmq.RouteMismatchException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import org.slf4j.Logger;

/** A relay as a process: from its start to its exit code. */
final class RelayProcess {

    private final RelayConfiguration configuration;
    private final Logger log;
    private final Map<BrokerKey, Broker> brokers = new HashMap<>();

    /** Set when the relay ended by itself, so the hook has nothing left to do. */
    private volatile boolean ended;

    /** Channels that go to the same broker in the same form share its client. */
    private record BrokerKey(BrokerKind kind, Envelope.Format format) {}

    RelayProcess(RelayConfiguration configuration, Logger log) {
        this.configuration = configuration;
        this.log = log;
    }

    /** Returns when the relay has stopped by itself; a signal ends the process from within. */
    int run() {
        Map<ChannelSettings, Broker> channels = channels();
        try {
            prepare();
        } catch (RouteMismatchException e) {
            log.error("Relay does not start: {}", e.getMessage());
            return ExitCode.WRONG_SETTINGS;
        }
        Relay relay = Relay.start(configuration.database(), configuration.relay(), channels, new LoggingListener());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stopBySignal(relay), "outbox-shutdown"));
        log.info(
                "Relay is running: id={}, version={}, channels={}, database={}, user={}, schema={}, kafka={}, rabbitmq={}",
                relay.id(),
                Relay.version(),
                configuration.channels().stream()
                        .map(channel -> channel.settings().name() + "/"
                                + channel.settings().lanes())
                        .collect(Collectors.joining(",")),
                configuration.database().url(),
                configuration.database().user(),
                configuration.database().schema(),
                configuration.kafka().map(RelayConfiguration.Kafka::servers).orElse("-"),
                configuration
                        .rabbit()
                        .map(rabbit -> String.join(",", rabbit.settings().addresses()))
                        .orElse("-"));
        int code = ExitCode.OK;
        try {
            relay.stopped().join();
        } catch (CompletionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            code = cause instanceof ForeignPositionException ? ExitCode.OPERATOR_NEEDED : ExitCode.FAILED;
            ended = true;
            close(relay);
            log.error("Relay has stopped: exitCode={}, why={}", code, RelayException.inOneLine(cause));
        }
        return code;
    }

    /** After SIGTERM the JVM would end with 143; a stop in order is a success, so the hook has the last word. */
    private void stopBySignal(Relay relay) {
        if (ended) {
            return;
        }
        log.info(
                "Relay is stopping: waiting for what is in flight, at most {}",
                configuration.relay().shutdownTimeout());
        close(relay);
        boolean inOrder = !relay.stopped().isCompletedExceptionally();
        log.info("Relay has stopped: inOrder={}", inOrder);
        Runtime.getRuntime().halt(inOrder ? ExitCode.OK : ExitCode.FAILED);
    }

    private void close(Relay relay) {
        relay.close();
        brokers.values().forEach(Broker::close);
    }

    /** What routes declare is declared before anything starts; a RabbitMQ that is away is waited for later. */
    private void prepare() {
        for (Broker broker : brokers.values()) {
            if (broker instanceof RabbitBroker rabbit) {
                try {
                    rabbit.prepare();
                    return; // the others differ in the envelope only
                } catch (BrokerUnavailableException e) {
                    log.warn("RabbitMQ is not there yet: {}", RelayException.inOneLine(e));
                }
            }
        }
    }

    private Map<ChannelSettings, Broker> channels() {
        Map<ChannelSettings, Broker> channels = new HashMap<>();
        for (RelayConfiguration.Channel channel : configuration.channels()) {
            channels.put(
                    channel.settings(),
                    brokers.computeIfAbsent(new BrokerKey(channel.broker(), channel.envelope()), this::broker));
        }
        return channels;
    }

    private Broker broker(BrokerKey key) {
        return switch (key.kind()) {
            case KAFKA -> {
                RelayConfiguration.Kafka kafka = configuration.kafka().orElseThrow();
                yield KafkaBroker.of(kafka.servers(), kafka.properties(), key.format());
            }
            case RABBITMQ -> {
                RelayConfiguration.Rabbit rabbit = configuration.rabbit().orElseThrow();
                yield RabbitBroker.of(rabbit.settings(), RabbitRoutes.of(rabbit.routes()), key.format());
            }
        };
    }
}
