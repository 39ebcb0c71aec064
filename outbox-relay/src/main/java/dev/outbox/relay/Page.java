package dev.outbox.relay;

import dev.outbox.relay.broker.Message;
import java.util.List;

/**
 * Messages of one lane, in the order of publication.
 *
 * @param messages may be empty when the page held only other lanes' messages
 * @param after the position once these are published
 */
record Page(List<Message> messages, Position after) {

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
