package dev.outbox.relay;

import dev.outbox.relay.broker.BrokerSession;
import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The half of a lane that sends: hands pages to the broker, lets nothing overtake that must not, and deals with what the
 * broker refused. Used by the lane's thread.
 */
final class PageSender {

    private static final Duration NAP = Duration.ofMillis(50);

    private final LaneLoop.Parts parts;
    private final Holds holds;
    private final Pipeline pipeline;

    /** Only where order is strict. */
    private @Nullable KeyGate gate;

    private Consumer<Message> whenAccepted = InFlightPage.NOTHING;

    PageSender(LaneLoop.Parts parts, Holds holds, Pipeline pipeline) {
        this.parts = parts;
        this.holds = holds;
        this.pipeline = pipeline;
        startOver();
    }

    /** Forgets who was in flight and who waited: everything goes again. */
    void startOver() {
        if (parts.channel().order() == ChannelSettings.Order.STRICT) {
            KeyGate next = new KeyGate(Thread.currentThread());
            gate = next;
            whenAccepted = next::leave;
        }
    }

    /** Sends what of the page is not sent, accepted or parked. */
    void send(BrokerSession session, InFlightPage page) {
        for (int index : page.sending()) {
            if (parkIfHeld(page, index) || (gate != null && !gate.enter(page, index))) {
                continue;
            }
            if (!sendOne(session, page, index)) {
                break; // what follows must not overtake; it all goes again
            }
        }
        page.sent();
        session.flush();
    }

    /** Whether {@link #sendWaiting} may have something to send. */
    boolean hasWaiting() {
        return gate != null && gate.anyLeft();
    }

    /** Sends those whose turn has come because the one before of their key is done with. */
    boolean sendWaiting(BrokerSession session) {
        KeyGate.Waiting waiting = gate == null ? null : gate.next();
        if (gate == null || waiting == null) {
            return false;
        }
        for (; waiting != null; waiting = gate.next()) {
            Message message = waiting.page().message(waiting.index());
            if (parkIfHeld(waiting.page(), waiting.index())) {
                through(message);
            } else if (!sendOne(session, waiting.page(), waiting.index())) {
                break;
            }
        }
        session.flush();
        return true;
    }

    private boolean parkIfHeld(InFlightPage page, int index) {
        Parking parking = holds.parkingOf(page.message(index), page.source());
        if (parking == null) {
            return false;
        }
        page.park(index, parking);
        return true;
    }

    /** Whether what follows may be sent. What the client itself refuses needs no second try. */
    private boolean sendOne(BrokerSession session, InFlightPage page, int index) {
        Optional<Failure> refusal = trySend(session, page.message(index), page.expect(index, whenAccepted));
        if (refusal.isEmpty()) {
            return true;
        }
        page.notSent(index, refusal.get());
        if (refusal.get().kind() == Failure.Kind.OUTAGE) {
            return false;
        }
        park(page, index, refusal.get());
        return true;
    }

    private void park(InFlightPage page, int index, Failure failure) {
        Message message = page.message(index);
        LaneKey lane = parts.lease().lane();
        if (page.source() == Page.Source.REPLAY) {
            page.leave(index, failure);
        } else if (failure.kind() == Failure.Kind.TOPIC) {
            page.park(index, Parking.waiting(message.seq(), failure));
            if (holds.topicFailed(message, page.source())) {
                parts.listener().topicUnavailable(lane, message.topic(), failure);
            }
        } else {
            page.park(index, Parking.refused(message.seq(), failure));
            holds.refused(message, page.source());
            parts.listener().parked(lane, message, failure);
        }
        through(message);
    }

    /** The next of its key may go, where order is strict. */
    private void through(Message message) {
        if (gate != null) {
            gate.leave(message);
        }
    }

    private Optional<Failure> trySend(BrokerSession session, Message message, BrokerSession.Delivery delivery) {
        if (!parts.lease().valid()) {
            return Optional.of(new Failure(Failure.Kind.OUTAGE, "LeaseEnded", "the lease ended before " + message));
        }
        try {
            return session.send(message, delivery);
        } catch (RuntimeException e) {
            // Nobody is known to be at fault, so nobody is parked, and other lanes go on.
            return Optional.of(Failure.of(Failure.Kind.OUTAGE, e));
        }
    }

    /**
     * Sends each message that the broker refused once more, alone: a batch fails as a whole, for one of its records.
     * What is refused alone is parked, and its key held; what was refused for its topic is parked without another try, and the
     * topic held. To be called when everything that was sent is answered.
     *
     * @return an outage that came in between
     */
    Optional<Failure> sendRefusedAgain(BrokerSession session, InFlightPage page) {
        for (int index : page.refused()) {
            if (parkIfHeld(page, index)) {
                through(page.message(index));
                continue;
            }
            Failure first = page.refusal(index);
            if (first != null && first.kind() == Failure.Kind.TOPIC) {
                park(page, index, first);
                continue;
            }
            InFlightPage alone = sendAlone(session, page, index);
            Failure outage = alone.outage();
            if (outage != null) {
                return Optional.of(outage);
            }
            Failure refusal = alone.refusal(0);
            if (refusal != null) {
                park(page, index, refusal);
                continue;
            }
            page.accept(index, alone);
            through(page.message(index));
        }
        return Optional.empty();
    }

    /**
     * Parks what was refused for its topic, and the topic's other messages with it: when the lane starts over without having heard
     * of everything, so that a topic whose refusal ends the session does not do so again and again.
     */
    void parkRefusedForTopic(InFlightPage page) {
        for (int index : page.refused()) {
            Failure failure = page.refusal(index);
            if (failure != null && failure.kind() == Failure.Kind.TOPIC && !parkIfHeld(page, index)) {
                park(page, index, failure);
            }
        }
    }

    private InFlightPage sendAlone(BrokerSession session, InFlightPage page, int index) {
        Message message = page.message(index);
        InFlightPage alone =
                new InFlightPage(new Page(page.source(), List.of(message), page.after()), Thread.currentThread());
        alone.sending();
        trySend(session, message, alone.expect(0, InFlightPage.NOTHING))
                .ifPresent(failure -> alone.notSent(0, failure));
        alone.sent();
        session.flush();
        long deadline = System.nanoTime() + parts.channel().publishTimeout().toNanos();
        while (!alone.quiet()) {
            if (System.nanoTime() - deadline >= 0 || !parts.lease().valid()) {
                alone.notSent(
                        0, new Failure(Failure.Kind.OUTAGE, "PublishTimeout", "no answer for a message sent alone"));
                parts.link().close(); // it owes an answer, and must not give it beside that to the next try
                break;
            }
            LockSupport.parkNanos(this, NAP.toNanos());
        }
        return alone;
    }

    /**
     * The messages that did not reach the broker, as far as is known, although a later one of their key did: their order
     * cannot be kept. Each is told once. To be called when everything that was sent is answered, or the session is over.
     */
    List<Message> overtaken() {
        List<Message> overtaken = new ArrayList<>();
        Set<TopicKey> accepted = new HashSet<>();
        Deque<InFlightPage> newestFirst = new ArrayDeque<>();
        pipeline.sent().forEach(newestFirst::addFirst);
        for (InFlightPage page : newestFirst) {
            if (page.source() == Page.Source.REPLAY) {
                continue; // what comes once more has no order with what comes for the first time
            }
            for (int index = page.size() - 1; index >= 0; index--) {
                Message message = page.message(index);
                if (message.key() == null) {
                    continue;
                }
                switch (page.state(index)) {
                    case ACCEPTED -> accepted.add(TopicKey.of(message));
                    case FAILED, REFUSED -> {
                        if (accepted.contains(TopicKey.of(message)) && page.overtaken(index)) {
                            overtaken.add(message);
                        }
                    }
                    case UNSENT, SENT, PARKED, LEFT -> {}
                }
            }
        }
        return overtaken;
    }
}
