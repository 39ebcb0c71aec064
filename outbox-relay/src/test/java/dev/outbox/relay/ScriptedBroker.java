package dev.outbox.relay;

import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.BrokerSession;
import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** A broker that answers as a test says, and remembers in which order messages reached it. */
final class ScriptedBroker implements Broker {

    /** What becomes of one send. */
    enum Answer {
        /** Taken and acknowledged at once. */
        ACCEPT,
        /** Taken; the acknowledgement comes with {@link #acknowledge}. */
        TAKE,
        /** The client says no, for the message's sake. */
        REFUSE_AT_ONCE,
        /** The broker says no, for the message's sake. */
        REFUSE,
        /** The client says that the topic is not there. */
        NO_TOPIC_AT_ONCE,
        /** The broker says that the topic is not there. */
        NO_TOPIC,
        /** The client cannot send. */
        OUTAGE_AT_ONCE,
        /** The broker cannot take the message now; the session goes on. */
        BUSY,
        /** The session breaks. */
        BREAK
    }

    /** Tells what to do with the n-th send of a message, from 1. */
    interface Script {
        Answer answer(long seq, int attempt);
    }

    private final Script script;
    private final Map<Long, Integer> attempts = new HashMap<>();
    private final List<Long> taken = new ArrayList<>();
    private final List<BrokerSession.Delivery> unanswered = new ArrayList<>();
    private final AtomicInteger sent = new AtomicInteger();
    private final AtomicInteger opened = new AtomicInteger();
    private final boolean sessionsSurvive;

    ScriptedBroker(Script script) {
        this(script, false);
    }

    /** @param sessionsSurvive whether a session goes on after an outage of a single message */
    ScriptedBroker(Script script, boolean sessionsSurvive) {
        this.script = script;
        this.sessionsSurvive = sessionsSurvive;
    }

    /** The messages the broker took, by seq, each as often as it came. */
    synchronized List<Long> taken() {
        return List.copyOf(taken);
    }

    /** The messages the broker took, by seq, in the order in which each first came. */
    synchronized List<Long> firstTaken() {
        return List.copyOf(new LinkedHashSet<>(taken));
    }

    synchronized int attempts(long seq) {
        return attempts.getOrDefault(seq, 0);
    }

    int sent() {
        return sent.get();
    }

    /** How many sessions were opened. */
    int opened() {
        return opened.get();
    }

    /** Acknowledges all that were taken and not answered. */
    void acknowledge() {
        List<BrokerSession.Delivery> now;
        synchronized (this) {
            now = List.copyOf(unanswered);
            unanswered.clear();
        }
        now.forEach(delivery -> delivery.accepted("scripted-0", -1));
    }

    @Override
    public BrokerSession open() {
        opened.incrementAndGet();
        return new Session();
    }

    @Override
    public void close() {}

    private synchronized Answer answer(Message message, BrokerSession.Delivery delivery) {
        sent.incrementAndGet();
        Answer answer = script.answer(message.seq(), attempts.merge(message.seq(), 1, Integer::sum));
        if (answer == Answer.ACCEPT || answer == Answer.TAKE) {
            taken.add(message.seq());
        }
        if (answer == Answer.TAKE) {
            unanswered.add(delivery);
        }
        return answer;
    }

    private final class Session implements BrokerSession {
        private volatile boolean broken;

        @Override
        public Optional<Failure> send(Message message, Delivery delivery) {
            switch (answer(message, delivery)) {
                case ACCEPT -> delivery.accepted("scripted-0", -1);
                case REFUSE -> delivery.failed(new Failure(Failure.Kind.MESSAGE, "Scripted", "refused"));
                case BUSY -> delivery.failed(new Failure(Failure.Kind.OUTAGE, "Scripted", "busy"));
                case NO_TOPIC -> delivery.failed(new Failure(Failure.Kind.TOPIC, "Scripted", "no topic"));
                case NO_TOPIC_AT_ONCE -> {
                    return Optional.of(new Failure(Failure.Kind.TOPIC, "Scripted", "no topic, at once"));
                }
                case REFUSE_AT_ONCE -> {
                    return Optional.of(new Failure(Failure.Kind.MESSAGE, "Scripted", "refused at once"));
                }
                case OUTAGE_AT_ONCE -> {
                    return Optional.of(new Failure(Failure.Kind.OUTAGE, "Scripted", "cannot send"));
                }
                case TAKE -> {}
                case BREAK -> {
                    broken = true;
                    delivery.failed(new Failure(Failure.Kind.OUTAGE, "Scripted", "broken"));
                }
            }
            return Optional.empty();
        }

        @Override
        public boolean usable() {
            return sessionsSurvive && !broken;
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}
