package dev.outbox.relay.cli;

import dev.outbox.relay.config.Settings;
import dev.outbox.relay.doctor.TopicCheck;
import dev.outbox.relay.ops.OperationRefusedException;
import dev.outbox.relay.ops.Operations;
import dev.outbox.relay.ops.Operations.Change;
import dev.outbox.relay.ops.Operations.ReplayStarted;
import dev.outbox.relay.ops.Operations.Rotation;
import dev.outbox.relay.ops.ParkedFilter;
import dev.outbox.relay.ops.ReplayRequest;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Commands that change something, each with a reason and a dry run; each is a function here. */
final class ChangeCommands {

    private static final String MESSAGE = "message";
    private static final String LANE = "lane";

    private ChangeCommands() {}

    @Command(
            name = "retry",
            description = {
                "Has refused messages tried again, now; what waits behind them goes out in order once they are published.",
                "What waits for its topic is tried all the time, and what is held goes with the one it is held behind."
            },
            footer = {
                "",
                "Examples:",
                "  outbox retry --id 01a20eac-4c12-7000-84e6-b3529acf4664 --reason mended",
                "  outbox retry --error RecordTooLargeException --reason mended --dry-run"
            })
    static int retry(
            @Mixin Output output,
            @Mixin ChangeOptions change,
            @Mixin ParkedOptions parked,
            @Option(names = "--all", description = "Every parked message, when nothing else is given.") boolean all,
            @Option(
                            names = "--max",
                            paramLabel = "ROWS",
                            defaultValue = "1000",
                            description = "Refuse if more match. Default: ${DEFAULT-VALUE}.")
                    int max) {
        int rowsMax = output.rows(max, Operations.CHANGES_MAX);
        ParkedFilter filter = parked.filter(null, all);
        Change result = change.operations(output).retry(filter, change.intent(output), rowsMax);
        long waiting = result.matched() - result.changed();
        change.print(
                output,
                result,
                Output.count(result.changed(), MESSAGE) + " will be tried again at once"
                        + (waiting == 0
                                ? ""
                                : "; " + Output.count(waiting, MESSAGE)
                                        + " more wait for their topic, which is tried all the time"),
                Output.count(result.matched(), MESSAGE) + " would be tried again",
                next(filter.ids(), "outbox parked"));
        return ExitCode.OK;
    }

    @Command(
            name = "discard",
            description =
                    "Gives parked messages up for good: they will not be published. What waits behind them goes out"
                            + " in order.",
            footer = {
                "",
                "Examples:",
                "  outbox discard --id 01a20eac-4c12-7000-84e6-b3529acf4664 --reason '#815'",
                "  outbox discard --topic orders --state DEAD --reason '#815' --dry-run"
            })
    static int discard(
            @Mixin Output output,
            @Mixin ChangeOptions change,
            @Mixin ParkedOptions parked,
            @Option(names = "--state", paramLabel = "STATE", description = "WAITING, RETRYING, HELD or DEAD.") @Nullable
                    String state,
            @Option(names = "--all", description = "Every parked message, when nothing else is given.") boolean all,
            @Option(
                            names = "--max",
                            paramLabel = "ROWS",
                            defaultValue = "1000",
                            description = "Refuse if more match. Default: ${DEFAULT-VALUE}.")
                    int max) {
        int rowsMax = output.rows(max, Operations.CHANGES_MAX);
        ParkedFilter filter = parked.filter(state, all);
        Change result = change.operations(output).discard(filter, change.intent(output), rowsMax);
        change.print(
                output,
                result,
                Output.count(result.changed(), MESSAGE) + " discarded",
                Output.count(result.matched(), MESSAGE) + " would be discarded",
                next(filter.ids(), "outbox parked --all --state RESOLVED"));
        return ExitCode.OK;
    }

    @Command(
            name = "replay",
            description = {
                "Publishes messages once more that were published and are still in the ring: in order for each key, with a"
                        + " header replay-id, no faster than the rate. The owners of the lanes do it.",
                "With broker settings, a topic given by --to-topic has to be there."
            },
            footer = {
                "",
                "Examples:",
                "  outbox replay --topic orders --since 2026-01-31T10:00:00Z --reason '#815'",
                "  outbox replay --key 4711 --to-topic repair --reason '#815' --dry-run"
            })
    static int replay(
            @Mixin Output output,
            @Mixin ChangeOptions change,
            @Mixin MatchOptions match,
            @Option(names = "--id", paramLabel = "ID", description = "This message; may be given several times.")
                    @Nullable
                    List<UUID> ids,
            @Option(names = "--since", paramLabel = "TIME", description = "That happened then or later.") @Nullable
                    Instant since,
            @Option(names = "--until", paramLabel = "TIME", description = "That happened before.") @Nullable
                    Instant until,
            @Option(names = "--all", description = "Everything of the channel, when nothing else is given.")
                    boolean all,
            @Option(names = "--to-topic", paramLabel = "TOPIC", description = "To this topic. Default: their own.")
                    @Nullable
                    String toTopic,
            @Option(
                            names = "--rate",
                            paramLabel = "MESSAGES",
                            defaultValue = "1000",
                            description = "How many a second, at the most. Default: ${DEFAULT-VALUE}.")
                    int rate) {
        ReplayRequest request =
                new ReplayRequest(ids == null ? List.of() : ids, match.match(), since, until, all, toTopic, rate);
        Operations operations = change.operations(output);
        Operations.Intent intent = change.intent(output);
        if (toTopic != null) {
            requireTopic(output.main().settings(), request.channel(), toTopic);
        }
        ReplayStarted result = operations.replay(request, intent);
        change.print(
                output,
                result,
                Output.count(result.matched(), MESSAGE) + " will be published again, replay-id=" + result.replayId(),
                Output.count(result.matched(), MESSAGE) + " would be published again",
                "outbox replays (ends with: outbox cancel-replay " + result.replayId() + " --reason TEXT)");
        return ExitCode.OK;
    }

    private static void requireTopic(Settings settings, String channel, String topic) {
        if (!settings.hasBroker()) {
            return;
        }
        Logging.quiet(); // the brokers' clients log, and standard output is ours
        Optional<String> objection = TopicCheck.objection(settings.forRelay(), channel, topic);
        if (objection.isPresent()) {
            throw OperationRefusedException.of(
                    OperationRefusedException.Reason.NOTHING_MATCHES,
                    "topic cannot be published to: topic=" + topic + ", answer=" + objection.get() + "; make it first");
        }
    }

    @Command(
            name = "cancel-replay",
            description = "Ends a replay. What it has published stays published.",
            footer = {
                "",
                "Examples:",
                "  outbox cancel-replay 01a20eac-4c12-7000-84e6-b3529acf4664 --reason '#815'",
                "  outbox cancel-replay 01a20eac-4c12-7000-84e6-b3529acf4664 --reason x --json"
            })
    static int cancelReplay(
            @Mixin Output output,
            @Mixin ChangeOptions change,
            @Parameters(paramLabel = "ID", description = "The replay-id, as 'outbox replays' has it.") UUID id) {
        Change result = change.operations(output).cancelReplay(id, change.intent(output));
        change.print(
                output,
                result,
                Output.count(result.changed(), "replay") + " cancelled",
                Output.count(result.matched(), "replay") + " would be cancelled",
                "outbox replays");
        return ExitCode.OK;
    }

    @Command(
            name = "pause",
            description = "Has nobody publish a channel, or one of its lanes, until it is resumed. Services go on"
                    + " appending, and nothing is lost.",
            footer = {
                "",
                "Examples:",
                "  outbox pause default --reason 'broker is moved'",
                "  outbox pause default/3 --reason 'looking into a key' --dry-run"
            })
    static int pause(
            @Mixin Output output,
            @Mixin ChangeOptions change,
            @Parameters(paramLabel = "CHANNEL[/LANE]", description = "A channel, or one lane of it.")
                    Values.Lanes lanes) {
        Change result = change.operations(output).pause(lanes.channel(), lanes.lane(), change.intent(output));
        change.print(
                output,
                result,
                Output.count(result.changed(), LANE) + " paused",
                Output.count(result.matched(), LANE) + " would be paused",
                "outbox status");
        return ExitCode.OK;
    }

    @Command(
            name = "resume",
            description = "Has a paused channel, or one of its lanes, published again.",
            footer = {
                "",
                "Examples:",
                "  outbox resume default --reason 'broker has moved'",
                "  outbox resume default/3 --reason 'key is mended' --dry-run"
            })
    static int resume(
            @Mixin Output output,
            @Mixin ChangeOptions change,
            @Parameters(paramLabel = "CHANNEL[/LANE]", description = "A channel, or one lane of it.")
                    Values.Lanes lanes) {
        Change result = change.operations(output).resume(lanes.channel(), lanes.lane(), change.intent(output));
        change.print(
                output,
                result,
                Output.count(result.changed(), LANE) + " resumed",
                Output.count(result.matched(), LANE) + " would be resumed",
                "outbox status");
        return ExitCode.OK;
    }

    @Command(
            name = "rotate",
            description = "Closes the segment of the ring that is in use, ahead of time, so that retention can empty it"
                    + " sooner. Nobody waits. Refused while the next segment is not empty.",
            footer = {
                "",
                "Examples:",
                "  outbox rotate --reason 'a large import is through'",
                "  outbox rotate --reason 'a large import is through' --dry-run"
            })
    static int rotate(@Mixin Output output, @Mixin ChangeOptions change) {
        Rotation result = change.operations(output).rotate(change.intent(output));
        String what = "segment " + result.fromSegment() + " closed, segment " + result.toSegment() + " in use";
        change.print(output, result, what, what, "outbox doctor");
        return ExitCode.OK;
    }

    private static String next(List<UUID> ids, String otherwise) {
        return ids.isEmpty() ? otherwise : "outbox why " + ids.get(0);
    }
}
