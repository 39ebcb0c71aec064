package dev.outbox.inbox;

import java.util.List;

/**
 * What became of each message of a batch; every message is in exactly one of the lists.
 *
 * @param received the work was done and is committed
 * @param duplicates received before, or a second time in this batch
 * @param failures the work failed and was rolled back
 */
public record InboxResult<M>(List<M> received, List<M> duplicates, List<Failure<M>> failures) {

    public InboxResult {
        received = List.copyOf(received);
        duplicates = List.copyOf(duplicates);
        failures = List.copyOf(failures);
    }

    /** A message and what its work threw. */
    public record Failure<M>(M message, Exception cause) {}
}
