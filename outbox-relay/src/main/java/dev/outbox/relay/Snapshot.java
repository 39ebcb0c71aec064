package dev.outbox.relay;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * A {@code pg_snapshot}: which transactions had ended when it was taken (PostgreSQL manual, section 9.27, table "Snapshot
 * components"). A lane's position is one: what is visible in it is published.
 *
 * @param text as PostgreSQL writes it, {@code xmin:xmax:xip,xip,...}
 * @param xmax one past the latest ended transaction; a transaction from here on is not visible. A running transaction can
 *     be at or past it
 * @param running the {@code xip} list: transactions below xmax that were still running, as a PostgreSQL array
 */
record Snapshot(String text, long xmax, String running) {

    /** Nothing is visible in it: 3 is the first transaction id that PostgreSQL gives out. */
    static final Snapshot BEFORE_ALL = parse("3:3:");

    static Snapshot parse(String text) {
        String[] parts = text.split(":", -1);
        if (parts.length != 3) {
            throw new IllegalArgumentException("Not a pg_snapshot: text=" + text);
        }
        String running = parts[2].isEmpty()
                ? "{}"
                : Arrays.stream(parts[2].split(",", -1)).collect(Collectors.joining(",", "{", "}"));
        return new Snapshot(text, Long.parseUnsignedLong(parts[1]), running);
    }
}
