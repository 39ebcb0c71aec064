package dev.outbox.relay;

import dev.outbox.relay.broker.Broker;
import dev.outbox.relay.broker.BrokerSession;
import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A broker that answers by chance, late and on a thread of its own, until it is {@linkplain #heal healed}: it refuses some messages
 * several times, breaks, is busy, loses answers, and may be told that it is down or that a topic is gone. It remembers in which
 * order messages reached it. Thread-safe.
 */
final class RandomBroker implements Broker {

    /** One message in so many is poison, refused a few times. */
    private static final int POISON_EVERY = 23;

    private static final int REFUSALS_MAX = 5;

    /** One answer in so many goes wrong, in either way that there is. */
    private static final int FAULT_EVERY = 400;

    private static final Duration LAG_LONGEST = Duration.ofNanos(1_500_000);

    private final Random random;
    private final boolean sessionsSurvive;
    private final List<Message> taken = new ArrayList<>();
    private final Map<Long, Integer> refusals = new HashMap<>();
    private final Set<String> missing = new HashSet<>();
    private boolean down;
    private boolean healed;

    RandomBroker(long seed, boolean sessionsSurvive) {
        this.random = new Random(seed);
        this.sessionsSurvive = sessionsSurvive;
    }

    /** In the order in which they came, each as often as it did; those of replays too. */
    synchronized List<Message> taken() {
        return List.copyOf(taken);
    }

    synchronized void setDown(boolean down) {
        this.down = down;
    }

    /** Has a topic go away, or come back. */
    synchronized void toggle(String topic) {
        if (!missing.remove(topic)) {
            missing.add(topic);
        }
    }

    /** From now on everything is taken. */
    synchronized void heal() {
        healed = true;
        down = false;
        missing.clear();
    }

    @Override
    public BrokerSession open() {
        return new Session();
    }

    @Override
    public void close() {}

    private boolean chance(int every) {
        return !healed && random.nextInt(every) == 0;
    }

    private boolean refuses(Message message) {
        if (healed || message.seq() % POISON_EVERY != 0) {
            return false;
        }
        int left = refusals.computeIfAbsent(message.seq(), seq -> 1 + random.nextInt(REFUSALS_MAX));
        refusals.put(message.seq(), left - 1);
        return left > 0;
    }

    private static Failure outage(String said) {
        return new Failure(Failure.Kind.OUTAGE, "Random", said);
    }

    private static Failure noTopic() {
        return new Failure(Failure.Kind.TOPIC, "Random", "no topic");
    }

    private static Failure refused() {
        return new Failure(Failure.Kind.MESSAGE, "Random", "refused");
    }

    private final class Session implements BrokerSession {
        private final ExecutorService answers =
                Executors.newSingleThreadExecutor(work -> new Thread(work, "random-broker"));
        private volatile boolean broken;
        private volatile boolean closed;

        @Override
        public Optional<Failure> send(Message message, Delivery delivery) {
            synchronized (RandomBroker.this) {
                if (down || broken || chance(FAULT_EVERY)) {
                    broken = true;
                    return Optional.of(outage("cannot send"));
                }
                if (missing.contains(message.topic()) && random.nextBoolean()) {
                    return Optional.of(noTopic());
                }
                if (message.seq() % 2 == 0 && refuses(message)) {
                    return Optional.of(refused());
                }
            }
            answers.execute(() -> answer(message, delivery));
            return Optional.empty();
        }

        private void answer(Message message, Delivery delivery) {
            long lagNanos;
            synchronized (RandomBroker.this) {
                lagNanos = chance(8) ? random.nextInt((int) LAG_LONGEST.toNanos()) : 0;
            }
            if (lagNanos > 0) {
                LockSupport.parkNanos(lagNanos);
            }
            Failure failure;
            synchronized (RandomBroker.this) {
                if (closed) {
                    return;
                }
                failure = take(message);
            }
            if (failure == null) {
                delivery.accepted("random-0", -1);
            } else {
                delivery.failed(failure);
            }
        }

        private @Nullable Failure take(Message message) {
            if (broken || down || chance(FAULT_EVERY)) {
                broken = true;
                return outage("broken");
            }
            if (sessionsSurvive && chance(FAULT_EVERY / 4)) {
                return outage("busy");
            }
            if (missing.contains(message.topic())) {
                return noTopic();
            }
            if (message.seq() % 2 == 1 && refuses(message)) {
                return refused();
            }
            taken.add(message);
            if (chance(FAULT_EVERY)) {
                broken = true;
                return outage("the answer is lost");
            }
            return null;
        }

        @Override
        public void flush() {}

        @Override
        public boolean usable() {
            return sessionsSurvive && !broken;
        }

        @Override
        public void close() {
            synchronized (RandomBroker.this) {
                closed = true;
            }
            answers.shutdown();
        }
    }
}
