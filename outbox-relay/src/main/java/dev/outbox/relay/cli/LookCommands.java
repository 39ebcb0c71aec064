package dev.outbox.relay.cli;

import dev.outbox.relay.ops.FailedAttempt;
import dev.outbox.relay.ops.FoundMessage;
import dev.outbox.relay.ops.HeldKey;
import dev.outbox.relay.ops.LaneLag;
import dev.outbox.relay.ops.MessageStatus;
import dev.outbox.relay.ops.Operations;
import dev.outbox.relay.ops.ParkedMessage;
import dev.outbox.relay.ops.ReplayProgress;
import dev.outbox.relay.ops.StoredMessage;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Commands that look and change nothing; each is a function here. */
final class LookCommands {

    private static final int ERROR_WIDTH = 60;
    private static final int KEY_WIDTH = 40;

    /** The answer of {@code why} for scripts. */
    private record Why(UUID id, String why) {}

    /** The answer of {@code show} for scripts. */
    private record Shown(MessageStatus status, @Nullable StoredMessage message, List<FailedAttempt> attempts) {}

    private LookCommands() {}

    @Command(
            name = "lag",
            description = "How much each lane has still to publish, and since when.",
            footer = {"", "Examples:", "  outbox lag", "  outbox lag --json | jq '.[] | select(.pending > 1000)'"})
    static int lag(@Mixin Output output) {
        Table<LaneLag> table = new Table<LaneLag>()
                .whole("LANE", row -> StatusCommand.lane(row.channel(), row.lane()))
                .number("PENDING", LaneLag::pending)
                .whole("OLDEST", LaneLag::oldestAge)
                .whole("SINCE", LaneLag::oldestPendingAt);
        output.print(output.operations().lag(), table, "lane");
        return ExitCode.OK;
    }

    @Command(
            name = "messages",
            description = "Messages that are still in the ring, the newest first, whatever became of them.",
            footer = {
                "",
                "Examples:",
                "  outbox messages --topic orders --key 4711",
                "  outbox messages --type order.created --since 2026-01-31T10:00:00Z --max 1000"
            })
    static int messages(
            @Mixin Output output,
            @Mixin MatchOptions match,
            @Option(names = "--since", paramLabel = "TIME", description = "That happened then or later.") @Nullable
                    Instant since,
            @Option(names = "--until", paramLabel = "TIME", description = "That happened before.") @Nullable
                    Instant until,
            @Option(
                            names = "--before",
                            paramLabel = "SEQ",
                            description = "With a lower seq: the last one of the page before gives the next.")
                    @Nullable
                    Long before,
            @Option(
                            names = "--max",
                            paramLabel = "ROWS",
                            defaultValue = "50",
                            description = "How many at the most. Default: ${DEFAULT-VALUE}.")
                    int max) {
        int rowsMax = output.rows(max, Operations.ROWS_MAX);
        Table<FoundMessage> table = new Table<FoundMessage>()
                .number("SEQ", FoundMessage::seq)
                .whole("ID", FoundMessage::id)
                .whole("OCCURRED", FoundMessage::occurredAt)
                .cut("CHANNEL", KEY_WIDTH, FoundMessage::channel)
                .cut("TOPIC", KEY_WIDTH, FoundMessage::topic)
                .cut("KEY", KEY_WIDTH, FoundMessage::key)
                .cut("TYPE", KEY_WIDTH, row -> row.type() + " " + row.version())
                .number("BYTES", FoundMessage::payloadBytes)
                .cut("SOURCE", KEY_WIDTH, FoundMessage::source);
        List<FoundMessage> found = output.operations().findMessages(match.match(), since, until, before, rowsMax);
        output.print(found, table, "message");
        if (!output.json() && found.size() == rowsMax) {
            output.out().println("More: --before " + found.get(found.size() - 1).seq());
            output.out().flush();
        }
        return ExitCode.OK;
    }

    @Command(
            name = "show",
            description = "One message: what became of it, its content and headers, failed attempts to publish it.",
            footer = {
                "",
                "Examples:",
                "  outbox show 01a20eac-4c12-7000-84e6-b3529acf4664",
                "  outbox show 01a20eac-4c12-7000-84e6-b3529acf4664 --no-content"
            })
    static int show(
            @Mixin Output output,
            @Parameters(paramLabel = "ID", description = "The id of the message.") UUID id,
            @Option(names = "--no-content", description = "Leave content and headers out: for who may not read them.")
                    boolean withoutContent) {
        Operations operations = output.operations();
        List<FailedAttempt> attempts = operations.attempts(id); // refuses what is unknown
        MessageStatus status = operations.messageStatus(id);
        StoredMessage message = withoutContent ? null : operations.showMessage(id);
        if (output.json()) {
            Json.print(output.out(), List.of(new Shown(status, message, attempts)));
        } else {
            print(output, status, message, attempts);
        }
        return ExitCode.OK;
    }

    private static void print(
            Output output, MessageStatus status, @Nullable StoredMessage message, List<FailedAttempt> attempts) {
        PrintWriter out = output.out();
        line(out, "id", status.id());
        line(out, "status", output.screen().colour() ? Table.coloured(status.status()) : status.status());
        line(out, "since", status.since());
        line(out, "seq", status.seq());
        line(out, "lane", StatusCommand.lane(String.valueOf(status.channel()), status.lane()));
        line(out, "topic", status.topic());
        line(out, "key", status.key());
        line(out, "type", status.type() + " " + status.version());
        line(out, "occurred", status.occurredAt());
        line(out, "published by", status.relay());
        line(out, "published to", status.brokerPositions());
        line(out, "held by", status.heldBy());
        line(out, "attempts", status.attempts());
        line(out, "next attempt", status.nextAttemptAt());
        line(
                out,
                "last error",
                status.lastErrorClass() == null ? null : status.lastErrorClass() + ": " + status.lastError());
        line(out, "resolution", status.resolution());
        if (message != null) {
            line(out, "source", message.source());
            line(out, "correlation", message.correlationId());
            line(out, "causation", message.causationId());
            line(out, "headers", message.headers());
            line(out, "content type", message.contentType());
            line(out, "payload", message.payload());
            line(out, "body (base64)", message.body());
        }
        if (!attempts.isEmpty()) {
            out.println();
            Table<FailedAttempt> table = new Table<FailedAttempt>()
                    .number("NO", FailedAttempt::no)
                    .whole("ATTEMPTED", FailedAttempt::attemptedAt)
                    .cut("RELAY", KEY_WIDTH, FailedAttempt::relay)
                    .cut("CLASS", KEY_WIDTH, FailedAttempt::errorClass)
                    .cut("ERROR", ERROR_WIDTH, FailedAttempt::error);
            output.print(attempts, table, "failed attempt");
        }
        out.flush();
    }

    /** What is not there is left out. A coloured state is our own text. */
    private static void line(PrintWriter out, String name, @Nullable Object value) {
        if (value != null) {
            String text = name.equals("status") ? value.toString() : Table.text(value);
            out.println(String.format(Locale.ROOT, "%-14s%s", name, text));
        }
    }

    @Command(
            name = "why",
            description = {
                "Says in words why a message is where it is: published, with its receipt; pending, and on what it waits;"
                        + " parked, and what to do about it; or nowhere, and who may still commit it."
            },
            footer = {
                "",
                "Examples:",
                "  outbox why 01a20eac-4c12-7000-84e6-b3529acf4664",
                "  outbox why 01a20eac-4c12-7000-84e6-b3529acf4664 --json"
            })
    static int why(
            @Mixin Output output, @Parameters(paramLabel = "ID", description = "The id of the message.") UUID id) {
        String why = output.operations().whyStuck(id);
        if (output.json()) {
            Json.print(output.out(), List.of(new Why(id, why)));
        } else {
            output.out().println(Table.harmless(why));
            output.out().flush();
        }
        return ExitCode.OK;
    }

    @Command(
            name = "parked",
            description = "Messages that could not be published, in order: what they wait for, and the last error.",
            footer = {"", "Examples:", "  outbox parked", "  outbox parked --topic orders --state DEAD --json"})
    static int parked(
            @Mixin Output output,
            @Mixin ParkedOptions parked,
            @Option(names = "--state", paramLabel = "STATE", description = "WAITING, RETRYING, HELD, DEAD or RESOLVED.")
                    @Nullable
                    String state,
            @Option(names = "--all", description = "With those that were resolved.") boolean all,
            @Option(
                            names = "--max",
                            paramLabel = "ROWS",
                            defaultValue = "100",
                            description = "How many at the most. Default: ${DEFAULT-VALUE}.")
                    int max) {
        int rowsMax = output.rows(max, Operations.ROWS_MAX);
        Table<ParkedMessage> table = new Table<ParkedMessage>()
                .whole("ID", ParkedMessage::id)
                .whole("STATE", ParkedMessage::state)
                .whole("LANE", row -> StatusCommand.lane(row.channel(), row.lane()))
                .cut("TOPIC", KEY_WIDTH, ParkedMessage::topic)
                .cut("KEY", KEY_WIDTH, ParkedMessage::key)
                .cut("TYPE", KEY_WIDTH, ParkedMessage::type)
                .whole("PARKED", ParkedMessage::parkedAt)
                .number("ATTEMPTS", ParkedMessage::attempts)
                .whole("NEXT", ParkedMessage::nextAttemptAt)
                .cut("WHY", ERROR_WIDTH, LookCommands::reason);
        List<ParkedMessage> found = output.operations().parked(parked.filter(state, all), rowsMax);
        output.print(found, table, "parked message");
        if (!output.json() && found.size() == rowsMax) {
            output.out().println("There may be more: --max");
            output.out().flush();
        }
        return ExitCode.OK;
    }

    private static @Nullable String reason(ParkedMessage row) {
        if (row.resolution() != null) {
            return row.resolution() + " by " + row.resolvedBy();
        }
        return row.lastErrorClass() == null
                ? (row.heldBy() == null ? null : "held behind seq " + row.heldBy())
                : row.lastErrorClass() + ": " + row.lastError();
    }

    @Command(
            name = "held",
            description = "Keys that are held, and the message that each waits behind; topics that wait as a whole.",
            footer = {"", "Examples:", "  outbox held", "  outbox held --json | jq -r '.[].headId'"})
    static int held(
            @Mixin Output output,
            @Option(
                            names = "--max",
                            paramLabel = "ROWS",
                            defaultValue = "100",
                            description = "How many at the most. Default: ${DEFAULT-VALUE}.")
                    int max) {
        Table<HeldKey> table = new Table<HeldKey>()
                .cut("CHANNEL", KEY_WIDTH, HeldKey::channel)
                .cut("TOPIC", KEY_WIDTH, HeldKey::topic)
                .cut("KEY", KEY_WIDTH, HeldKey::key)
                .number("HELD", HeldKey::held)
                .whole("SINCE", HeldKey::since)
                .whole("HEAD", HeldKey::headId)
                .whole("STATE", HeldKey::headState)
                .number("ATTEMPTS", HeldKey::attempts)
                .cut("ERROR", ERROR_WIDTH, HeldKey::lastError);
        output.print(output.operations().heldKeys(output.rows(max, Operations.ROWS_MAX)), table, "held key");
        return ExitCode.OK;
    }

    @Command(
            name = "replays",
            description = "Replays that were asked for, the latest first, and how far they are.",
            footer = {"", "Examples:", "  outbox replays", "  outbox replays --max 1 --json"})
    static int replays(
            @Mixin Output output,
            @Option(
                            names = "--max",
                            paramLabel = "ROWS",
                            defaultValue = "20",
                            description = "How many at the most. Default: ${DEFAULT-VALUE}.")
                    int max) {
        Table<ReplayProgress> table = new Table<ReplayProgress>()
                .whole("ID", ReplayProgress::id)
                .whole("STATE", ReplayProgress::state)
                .number("PUBLISHED", ReplayProgress::published)
                .number("OF", ReplayProgress::matched)
                .number("REFUSED", ReplayProgress::refused)
                .number("RATE", ReplayProgress::rate)
                .cut("CHANNEL", KEY_WIDTH, ReplayProgress::channel)
                .cut("WHAT", KEY_WIDTH, ReplayProgress::filter)
                .cut("TO", KEY_WIDTH, ReplayProgress::toTopic)
                .whole("REQUESTED", ReplayProgress::requestedAt)
                .cut("BY", KEY_WIDTH, ReplayProgress::requestedBy)
                .cut("REASON", ERROR_WIDTH, row -> row.error() == null ? row.reason() : row.error());
        output.print(output.operations().replays(output.rows(max, Operations.ROWS_MAX)), table, "replay");
        return ExitCode.OK;
    }
}
