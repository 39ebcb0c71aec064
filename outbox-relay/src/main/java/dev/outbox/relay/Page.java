package dev.outbox.relay;

import dev.outbox.relay.broker.Message;
import java.util.List;

/**
 * Messages of one lane, in the order of publication.
 *
 * @param source where they were read
 * @param messages may be empty when the page held only other lanes' messages
 * @param after the position once these are published; for a page that was not read from the outbox, the one of the page before
 */
record Page(Source source, List<Message> messages, Position after) {

    /** Where a page's messages come from, which decides what becomes of them. */
    enum Source {
        /** They are published for the first time, or parked. */
        OUTBOX,
        /** They are parked, and are published after all or stay there. */
        PARKED
    }

    Page {
        messages = List.copyOf(messages);
    }

    long bytes() {
        long bytes = 0;
        for (Message message : messages) {
            bytes += message.sizeBytes();
        }
        return bytes;
    }
}
