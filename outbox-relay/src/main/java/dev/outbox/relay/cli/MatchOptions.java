package dev.outbox.relay.cli;

import dev.outbox.relay.ops.Match;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What messages are like. */
final class MatchOptions {

    @Option(names = "--channel", paramLabel = "NAME", description = "Of this channel.")
    private @Nullable String channel;

    @Option(names = "--topic", paramLabel = "TOPIC", description = "Of this topic.")
    private @Nullable String topic;

    @Option(names = "--key", paramLabel = "KEY", description = "Of this key.")
    private @Nullable String key;

    @Option(names = "--type", paramLabel = "TYPE", description = "Of this type, such as order.created.")
    private @Nullable String type;

    Match match() {
        return new Match(channel, topic, key, type);
    }
}
