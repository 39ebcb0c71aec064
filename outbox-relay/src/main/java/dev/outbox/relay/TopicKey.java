package dev.outbox.relay;

import dev.outbox.relay.broker.Message;

/** What order is kept for. A message without a key has none: nothing orders it. */
record TopicKey(String topic, String key) {

    /** Of a message that has a key. */
    static TopicKey of(Message message) {
        return new TopicKey(message.topic(), String.valueOf(message.keyText()));
    }
}
