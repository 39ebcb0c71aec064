package dev.outbox.relay.cli;

import dev.outbox.relay.ChannelSettings;
import dev.outbox.relay.ForeignPositionException;
import dev.outbox.relay.LoggingListener;
import dev.outbox.relay.Relay;
import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.Envelope;
import dev.outbox.relay.config.RelayConfiguration;
import dev.outbox.relay.kafka.KafkaBroker;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import org.slf4j.Logger;

/** A relay as a process: from its start to its exit code. */
final class RelayProcess {

    private final RelayConfiguration configuration;
    private final Logger log;
    private final Map<Envelope.Format, Broker> brokers = new EnumMap<>(Envelope.Format.class);

    /** Set when the relay ended by itself, so the hook has nothing left to do. */
    private volatile boolean ended;

    RelayProcess(RelayConfiguration configuration, Logger log) {
        this.configuration = configuration;
        this.log = log;
    }

    /** Returns when the relay has stopped by itself; a signal ends the process from within. */
    int run() {
        Relay relay = Relay.start(configuration.database(), configuration.relay(), channels(), new LoggingListener());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stopBySignal(relay), "outbox-shutdown"));
        log.info(
                "Relay is running: id={}, version={}, channels={}, database={}, user={}, schema={}, kafka={}",
                relay.id(),
                Relay.version(),
                configuration.channels().stream()
                        .map(channel -> channel.settings().name() + "/"
                                + channel.settings().lanes())
                        .collect(Collectors.joining(",")),
                configuration.database().url(),
                configuration.database().user(),
                configuration.database().schema(),
                configuration.kafkaServers());
        int code = ExitCode.OK;
        try {
            relay.stopped().join();
        } catch (CompletionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            code = cause instanceof ForeignPositionException ? ExitCode.OPERATOR_NEEDED : ExitCode.FAILED;
            ended = true;
            close(relay);
            log.error("Relay has stopped: exitCode={}, why={}", code, OutboxMain.message(cause));
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

    private Map<ChannelSettings, Broker> channels() {
        Map<ChannelSettings, Broker> channels = new HashMap<>();
        for (RelayConfiguration.Channel channel : configuration.channels()) {
            channels.put(
                    channel.settings(),
                    brokers.computeIfAbsent(
                            channel.envelope(),
                            format -> KafkaBroker.of(
                                    configuration.kafkaServers(), configuration.kafkaProperties(), format)));
        }
        return channels;
    }
}
