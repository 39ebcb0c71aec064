package dev.outbox.relay.cli;

import dev.outbox.relay.RelayException;
import dev.outbox.relay.ops.LaneStatus;
import dev.outbox.relay.ops.Operations;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code outbox status}. */
@Command(
        name = "status",
        description =
                "How each lane is doing: who owns it, what is pending and parked, what is in the way. Channels that"
                        + " have messages and that no relay ever served are there too.",
        footer = {"", "Examples:", "  outbox status", "  outbox status --watch 5"})
final class StatusCommand implements Callable<Integer> {

    private static final int DETAIL_WIDTH = 80;

    /** To the upper left, and everything below is gone. */
    private static final String CLEAR = "\u001b[H\u001b[2J";

    @Mixin
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Output output;

    @Option(
            names = "--watch",
            paramLabel = "SECONDS",
            arity = "0..1",
            fallbackValue = "2",
            description = "Look again and again, every so many seconds (${FALLBACK-VALUE}), until Ctrl-C. On a terminal"
                    + " it is drawn anew each time.")
    private @Nullable Duration watch;

    @Override
    public Integer call() {
        Operations operations = output.operations();
        if (watch == null) {
            print(operations.status());
            return ExitCode.OK;
        }
        return watch(operations, watch);
    }

    private int watch(Operations operations, Duration pause) {
        while (!Thread.currentThread().isInterrupted()) {
            look(operations);
            output.out().flush();
            output.err().flush();
            LockSupport.parkNanos(pause.toNanos());
        }
        return ExitCode.OK;
    }

    /** A database that is away for a moment is told and waited for. */
    private void look(Operations operations) {
        try {
            List<LaneStatus> lanes = operations.status();
            beginBlock();
            print(lanes);
        } catch (RelayException e) {
            beginBlock();
            (output.json() ? output.err() : output.out()).println(Table.harmless(RelayException.inOneLine(e)));
        }
    }

    private void beginBlock() {
        if (!output.json()) {
            String time = Table.text(Instant.now(Clock.systemUTC()));
            output.out().println(output.screen().terminal() ? CLEAR + time : time);
        }
    }

    private void print(List<LaneStatus> lanes) {
        Table<LaneStatus> table = new Table<LaneStatus>()
                .whole("LANE", row -> lane(row.channel(), row.lane()))
                .whole("STATE", LaneStatus::state)
                .number("PENDING", LaneStatus::pending)
                .number("OLDEST", LaneStatus::oldestAge)
                .number("PUBLISHED", LaneStatus::published)
                .number("WAITING", LaneStatus::waiting)
                .number("RETRYING", LaneStatus::retrying)
                .number("HELD", LaneStatus::held)
                .number("DEAD", LaneStatus::dead)
                .whole("CHECKPOINT", LaneStatus::checkpointAt)
                .whole("OWNER", LaneStatus::owner)
                .cut("DETAIL", DETAIL_WIDTH, StatusCommand::detail);
        output.print(lanes, table, "lane");
    }

    private static @Nullable String detail(LaneStatus row) {
        if (row.detail() == null) {
            return row.since() == null ? null : "since " + Table.text(row.since());
        }
        return row.detail() + (row.since() == null ? "" : ", since " + Table.text(row.since()));
    }

    /** {@code default/0}; a channel that has no lanes is told by its name. */
    static String lane(String channel, @Nullable Integer lane) {
        return lane == null ? channel : channel + "/" + lane;
    }
}
