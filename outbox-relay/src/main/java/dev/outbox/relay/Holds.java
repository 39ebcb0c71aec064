package dev.outbox.relay;

import dev.outbox.relay.broker.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What later messages have to wait for: an unresolved message of their topic and key, or a topic that is not there. A message
 * without a key waits for its topic only, and holds nobody. Used by the lane's thread.
 *
 * <p>A hold is <em>closed</em> while its first message cannot be published. Once that is resolved the hold is <em>open</em>:
 * those that are parked go out in order, while new ones are still parked behind them, until none is left and the hold is
 * {@linkplain #release released}.
 */
final class Holds {

    private static final Duration PROBE_FIRST = Duration.ofSeconds(1);

    /** Shorter than a session of RabbitMQ remembers that an exchange closed its channel. */
    private static final Duration PROBE_LONGEST = Duration.ofSeconds(20);

    /** The seq of the message that is in the way, or was. */
    private final Map<TopicKey, Long> heads = new LinkedHashMap<>();

    private final Set<TopicKey> openKeys = new LinkedHashSet<>();

    /** Messages in the way that are not in the table yet: there they would look as if they were gone. */
    private final Set<Long> unwritten = new HashSet<>();

    private final Map<String, TopicHold> topics = new HashMap<>();

    private static final class TopicHold {
        private final long sinceNanos = System.nanoTime();
        private final Backoff backoff = new Backoff(PROBE_FIRST, PROBE_LONGEST);
        private long probeAtNanos = sinceNanos;
        private long probe = -1;
        private boolean open;
    }

    /** As another owner left it: what is in the way, or that nothing is any more. */
    void loadKey(TopicKey key, long head, boolean open) {
        heads.put(key, head);
        if (open) {
            openKeys.add(key);
        }
    }

    /** As another owner left it: to be tried at once. */
    void loadTopic(String topic) {
        topics.put(topic, new TopicHold());
    }

    boolean isEmpty() {
        return heads.isEmpty() && topics.isEmpty();
    }

    /** Where this message goes instead of the broker, or null if it may be sent. */
    @Nullable
    Parking parkingOf(Message message, Page.Source source) {
        if (isEmpty() || source == Page.Source.REPLAY) {
            return null;
        }
        boolean parked = source == Page.Source.PARKED;
        if (message.key() != null) {
            TopicKey key = TopicKey.of(message);
            Long head = heads.get(key);
            if (head != null && head < message.seq() && !(parked && openKeys.contains(key))) {
                return Parking.held(message.seq(), head);
            }
        }
        TopicHold topic = topics.get(message.topic());
        boolean waits = topic != null && !(parked && (topic.open || topic.probe == message.seq()));
        return waits ? Parking.waiting(message.seq(), null) : null;
    }

    /** The broker does not take this message: later ones of its key wait from now on. */
    void refused(Message message, Page.Source source) {
        topicIsThere(message);
        if (message.key() != null) {
            close(TopicKey.of(message), message.seq(), source);
        }
    }

    /**
     * The topic of this message cannot be published to: all later ones wait from now on.
     *
     * @return whether that is news
     */
    boolean topicFailed(Message message, Page.Source source) {
        if (message.key() != null && heads.containsKey(TopicKey.of(message))) {
            close(TopicKey.of(message), message.seq(), source); // those behind it go on when it does
        }
        TopicHold topic = topics.get(message.topic());
        boolean news = topic == null;
        if (topic == null) {
            topic = new TopicHold();
            topics.put(message.topic(), topic);
        }
        topic.open = false;
        topic.probeAtNanos = System.nanoTime() + topic.backoff.next().toNanos();
        return news;
    }

    /** A message that was parked is published. */
    void published(Message message) {
        topicIsThere(message);
        if (message.key() != null) {
            TopicKey key = TopicKey.of(message);
            Long head = heads.get(key);
            if (head != null && head == message.seq()) {
                openKeys.add(key);
            }
        }
    }

    private void topicIsThere(Message message) {
        TopicHold topic = topics.get(message.topic());
        if (topic != null && topic.probe == message.seq()) {
            topic.open = true;
        }
    }

    private void close(TopicKey key, long head, Page.Source source) {
        if (source == Page.Source.OUTBOX) {
            unwritten.add(head);
        }
        heads.put(key, head);
        openKeys.remove(key);
    }

    /** Whether any hold is open. */
    boolean hasOpen() {
        return openTopic() != null || !openKeys(1).isEmpty();
    }

    /** Keys that are open, so that those parked may go; not those of a topic that is closed. */
    List<TopicKey> openKeys(int most) {
        List<TopicKey> open = new ArrayList<>();
        for (Iterator<TopicKey> keys = openKeys.iterator(); keys.hasNext() && open.size() < most; ) {
            TopicKey key = keys.next();
            TopicHold topic = topics.get(key.topic());
            if (topic == null || topic.open) {
                open.add(key);
            }
        }
        return open;
    }

    /** A topic that is open, so that those parked may go, or null. */
    @Nullable
    String openTopic() {
        for (Map.Entry<String, TopicHold> topic : topics.entrySet()) {
            if (topic.getValue().open) {
                return topic.getKey();
            }
        }
        return null;
    }

    /** Topics that are closed. */
    List<String> closedTopics() {
        return topics.entrySet().stream()
                .filter(topic -> !topic.getValue().open)
                .map(Map.Entry::getKey)
                .toList();
    }

    /** Closed topics that are to be tried again now. */
    List<String> topicsToProbe() {
        long now = System.nanoTime();
        return topics.entrySet().stream()
                .filter(topic -> !topic.getValue().open && now - topic.getValue().probeAtNanos >= 0)
                .map(Map.Entry::getKey)
                .toList();
    }

    /** This message shows whether the topic is there; without one nobody waits for it any more. */
    void probe(String topic, @Nullable Message first) {
        TopicHold hold = topics.get(topic);
        if (hold != null) {
            hold.open = first == null;
            hold.probe = first == null ? -1 : first.seq();
        }
    }

    /** These are in the table now. */
    void written(List<Parking> parkings) {
        if (!unwritten.isEmpty()) {
            parkings.forEach(parking -> unwritten.remove(parking.seq()));
        }
    }

    /** Some of the messages in the way, each asked for again after a round of all. */
    Map<Long, TopicKey> someHeads(int most) {
        Map<Long, TopicKey> some = new HashMap<>();
        List<TopicKey> round = new ArrayList<>();
        for (Map.Entry<TopicKey, Long> head : heads.entrySet()) {
            if (some.size() >= most) {
                break;
            }
            round.add(head.getKey());
            if (!openKeys.contains(head.getKey()) && !unwritten.contains(head.getValue())) {
                some.put(head.getValue(), head.getKey());
            }
        }
        if (round.size() < heads.size()) {
            round.forEach(key -> heads.put(key, heads.remove(key)));
        }
        return some;
    }

    /** What was in the way is gone. */
    void open(Collection<TopicKey> keys) {
        openKeys.addAll(keys);
    }

    /** Nothing is parked for these any more: what comes is published at once. */
    void release(Collection<TopicKey> keys) {
        keys.forEach(key -> {
            heads.remove(key);
            openKeys.remove(key);
        });
    }

    /** Nothing waits for this topic any more; gives for how long it was held. */
    Duration release(String topic) {
        TopicHold hold = topics.remove(topic);
        return hold == null ? Duration.ZERO : Duration.ofNanos(System.nanoTime() - hold.sinceNanos);
    }
}
