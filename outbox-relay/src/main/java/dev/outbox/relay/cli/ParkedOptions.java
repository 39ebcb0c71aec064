package dev.outbox.relay.cli;

import dev.outbox.relay.ops.ParkedFilter;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which parked messages are meant: those that fit everything given. */
final class ParkedOptions {

    @Option(names = "--id", paramLabel = "ID", description = "This message; may be given several times.")
    private List<UUID> ids = new ArrayList<>();

    @Mixin
    private MatchOptions match = new MatchOptions();

    @Option(names = "--error", paramLabel = "CLASS", description = "Whose last error is of this class.")
    private @Nullable String error;

    ParkedFilter filter(@Nullable String state, boolean all) {
        return new ParkedFilter(ids, match.match(), error, state, all);
    }
}
