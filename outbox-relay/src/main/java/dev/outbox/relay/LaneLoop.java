package dev.outbox.relay;

import dev.outbox.relay.broker.BrokerSession;
import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * The relay's loop, for one lane on one database connection: look, read, publish, checkpoint, wait.
 *
 * <p>What it knows is good only as long as its connection: after an error the caller throws it away and starts another,
 * which loads the newest checkpoint.
 */
final class LaneLoop {

    /** Other transactions move the snapshot even when the lane has nothing to do; that is written down this often. */
    private static final Duration SNAPSHOT_INTERVAL = Duration.ofSeconds(5);

    /** A lane that falls idle writes its position at once, but no more often than this. */
    private static final Duration IDLE_CHECKPOINT_INTERVAL = Duration.ofMillis(20);

    /** So many parked messages are written down without waiting for the interval. */
    private static final int PARKINGS_MAX = 1000;

    private static final Duration NAP = Duration.ofMillis(50);

    private final Lease lease;
    private final RelaySettings settings;
    private final ChannelSettings channel;
    private final Connection connection;
    private final BrokerLink link;
    private final RelayListener listener;
    private final BooleanSupplier stopping;

    private final WindowReader reader;
    private final CheckpointStore store;
    private final Pipeline pipeline;
    private final Progress progress = new Progress();
    private final PollPace pace;

    private HeldKeys held;
    private Checkpoint checkpoint;

    /** Long ago, so that the first that is done is written down at once: whoever dies young repeats little. */
    private long checkpointedAtNanos = System.nanoTime() - SNAPSHOT_INTERVAL.toNanos();

    private boolean progressed;

    /** Up to here everything is acknowledged or parked. */
    private Position done;

    /** Up to here everything has been read: ahead of {@link #done} by what is in flight. */
    private Position read;

    /** What a loop is given; the connection is the caller's and is in autocommit mode. */
    record Parts(
            Lease lease,
            RelaySettings settings,
            ChannelSettings channel,
            Connection connection,
            BrokerLink link,
            RelayListener listener) {}

    private LaneLoop(Parts parts, BooleanSupplier stopping, WindowReader reader, Checkpoint checkpoint, HeldKeys held) {
        this.lease = parts.lease;
        this.settings = parts.settings;
        this.channel = parts.channel;
        this.connection = parts.connection;
        this.link = parts.link;
        this.listener = parts.listener;
        this.stopping = stopping;
        this.reader = reader;
        this.store = new CheckpointStore(connection, lease);
        this.pipeline = new Pipeline(channel);
        this.pace = new PollPace(settings.pollMin(), settings.pollMax());
        this.checkpoint = checkpoint;
        this.done = checkpoint.position();
        this.read = done;
        this.held = held;
    }

    /**
     * Loads the newest checkpoint and makes a loop that goes on behind it.
     *
     * @param pageRowsCeiling how many rows a page may have until checkpoints show that the lane moves on
     * @param stopping asked at each turn
     * @throws ForeignPositionException if the checkpoint means nothing in this database
     */
    static LaneLoop open(Parts parts, int pageRowsCeiling, BooleanSupplier stopping) throws SQLException {
        LaneKey lane = parts.lease.lane();
        Cluster here = Cluster.of(parts.connection);
        Checkpoint saved = CheckpointStore.load(parts.connection, lane, here);
        here.requireOrigin(lane, saved);
        if (saved.cluster().timeline() != here.timeline()) {
            parts.listener.timelineChanged(lane, saved.cluster().timeline(), here.timeline());
        }
        parts.listener.laneStarted(
                lane, saved.no(), saved.position().published().text());
        return new LaneLoop(
                parts,
                stopping,
                new WindowReader(parts.connection, lane, parts.channel, pageRowsCeiling),
                new Checkpoint(saved.no(), saved.position(), saved.published(), saved.parked(), here),
                HeldKeys.load(parts.connection, lane.channel()));
    }

    /** Whether anything was published or parked. */
    boolean progressed() {
        return progressed;
    }

    /** How many rows the latest page asked for. */
    int pageRows() {
        return reader.pageRows();
    }

    /**
     * Works until it is told to stop or the lease ends.
     *
     * @throws FencedException if the lane turns out to have another owner
     */
    void run() throws SQLException {
        if (checkpoint.no() == 0) {
            writeCheckpoint();
        }
        while (!stopping.getAsBoolean() && lease.valid()) {
            boolean moved = settle();
            moved |= publishPage();
            checkpointIfDue();
            if (!moved) {
                await();
            }
        }
        finish();
    }

    /** Takes what the broker has answered for, in order. */
    private boolean settle() throws SQLException {
        boolean moved = false;
        for (InFlightPage page = pipeline.oldest(); page != null; page = pipeline.oldest()) {
            Optional<Failure> outage = outage();
            if (outage.isEmpty() && !page.answered()) {
                break;
            }
            if (outage.isEmpty()) {
                outage = publishRefusedAgain(page);
            }
            if (outage.isPresent()) {
                startOver(outage.get());
                return true;
            }
            pipeline.removeOldest();
            progress.add(page);
            done = page.after();
            report(page);
            moved = true;
        }
        return moved;
    }

    private void report(InFlightPage page) {
        int parked = page.parkings().size();
        int published = page.size() - parked;
        progressed |= page.size() > 0;
        if (published > 0) {
            link.answered();
        }
        if (page.size() > 0) {
            Duration sinceSent = Duration.ofNanos(System.nanoTime() - page.sentAtNanos());
            listener.pageSettled(lease.lane(), published, parked, sinceSent);
        }
    }

    /** A failure of anything in flight, or too long a silence about it. */
    private Optional<Failure> outage() {
        Failure failure = pipeline.outage();
        if (failure != null || pipeline.isAnswered()) {
            return Optional.ofNullable(failure);
        }
        Duration silence = Duration.ofNanos(System.nanoTime() - pipeline.lastAnswerNanos());
        return silence.compareTo(channel.publishTimeout()) < 0
                ? Optional.empty()
                : Optional.of(new Failure(
                        Failure.Kind.OUTAGE,
                        "PublishTimeout",
                        "no answer from the broker for " + silence.toMillis() + " ms"));
    }

    /** Reads the next page, if there is room and something to read, and sends it. */
    private boolean publishPage() throws SQLException {
        if (!pipeline.hasRoom() || pipeline.isTroubled() || (read.window() == null && !pace.due())) {
            return false; // in trouble nothing is sent that might overtake
        }
        BrokerSession session = link.session();
        if (session == null) {
            return false;
        }
        if (read.window() == null && !openWindow()) {
            return false;
        }
        Page page = reader.page(read);
        send(session, page);
        read = page.after();
        return true;
    }

    private boolean openWindow() throws SQLException {
        Window window = reader.open(read.published());
        if (window.empty()) {
            pace.foundNothing();
            read = Position.at(window.snapshot());
            if (pipeline.isEmpty()) {
                done = read;
            }
            return false;
        }
        pace.found(window.fresh().count() + window.late().count() >= channel.pageRowsMax());
        read = new Position(read.published(), window, window.low() - 1);
        if (pipeline.isEmpty()) {
            done = read; // a window that took long to open is not opened again by whoever follows
        }
        return true;
    }

    private void send(BrokerSession session, Page page) {
        InFlightPage inFlight = new InFlightPage(page, Thread.currentThread());
        pipeline.add(inFlight);
        for (Message message : page.messages()) {
            Long holder = held.holderOf(message);
            if (holder != null && holder < message.seq()) {
                inFlight.park(Parking.held(message.seq(), holder));
            } else if (!sendOne(session, inFlight, message)) {
                break; // what follows must not overtake; it all goes again
            }
        }
        inFlight.sent();
        session.flush();
    }

    /** Whether what follows may be sent. What the client itself refuses needs no second try. */
    private boolean sendOne(BrokerSession session, InFlightPage inFlight, Message message) {
        Optional<Failure> refusal = trySend(session, message, inFlight.expect(message));
        if (refusal.isEmpty()) {
            return true;
        }
        if (refusal.get().kind() == Failure.Kind.MESSAGE) {
            inFlight.unsent();
            parkDead(inFlight, message, refusal.get());
            return true;
        }
        inFlight.refused(message, refusal.get());
        return false;
    }

    private void parkDead(InFlightPage page, Message message, Failure failure) {
        page.park(Parking.dead(message.seq(), failure));
        held.hold(message);
        listener.parked(lease.lane(), message, failure);
    }

    private Optional<Failure> trySend(BrokerSession session, Message message, BrokerSession.Delivery delivery) {
        if (!lease.valid()) {
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
     * What is refused alone is parked, and its key held.
     */
    private Optional<Failure> publishRefusedAgain(InFlightPage page) throws SQLException {
        for (InFlightPage.Refusal refusal : page.takeRefusals()) {
            Message message = refusal.message();
            Long holder = held.holderOf(message);
            if (holder != null && holder < message.seq()) {
                page.park(Parking.held(message.seq(), holder));
                continue;
            }
            if (message.key() != null) {
                listener.orderException(lease.lane(), message);
            }
            InFlightPage alone = publishAlone(page, message);
            Failure outage = alone.outage();
            if (outage != null) {
                return Optional.of(outage);
            }
            alone.takeRefusals().forEach(last -> parkDead(page, message, last.failure()));
        }
        return Optional.empty();
    }

    private InFlightPage publishAlone(InFlightPage page, Message message) {
        InFlightPage alone = new InFlightPage(new Page(List.of(message), page.after()), Thread.currentThread());
        BrokerSession session = Objects.requireNonNull(link.session());
        trySend(session, message, alone.expect(message)).ifPresent(failure -> alone.refused(message, failure));
        alone.sent();
        session.flush();
        long deadline = System.nanoTime() + channel.publishTimeout().toNanos();
        while (!alone.answered() && alone.outage() == null) {
            if (System.nanoTime() - deadline >= 0 || !lease.valid()) {
                alone.refused(
                        message,
                        new Failure(Failure.Kind.OUTAGE, "PublishTimeout", "no answer for a message sent alone"));
                break;
            }
            LockSupport.parkNanos(this, NAP.toNanos());
        }
        page.addOffsets(alone);
        return alone;
    }

    /** Drops everything in flight and goes back to what is done; the messages are published again. */
    private void startOver(Failure outage) throws SQLException {
        pipeline.clear();
        link.lost(outage);
        read = done;
        // Keys held by messages that were in flight are not held any more: those are tried afresh.
        writeCheckpoint();
        held = HeldKeys.load(connection, lease.lane().channel());
    }

    private void checkpointIfDue() throws SQLException {
        boolean changed = !done.equals(checkpoint.position());
        if (!changed && progress.isEmpty()) {
            return;
        }
        Duration interval = SNAPSHOT_INTERVAL;
        if (!progress.isEmpty()) {
            boolean idle = pipeline.isEmpty() && pace.idle();
            interval = idle ? IDLE_CHECKPOINT_INTERVAL : settings.checkpointInterval();
        }
        if (progress.parkings().size() >= PARKINGS_MAX
                || System.nanoTime() - checkpointedAtNanos >= interval.toNanos()) {
            writeCheckpoint();
        }
    }

    private void writeCheckpoint() throws SQLException {
        checkpoint = store.append(checkpoint, done, progress);
        reader.allowMoreRows();
        progress.clear();
        checkpointedAtNanos = System.nanoTime();
        listener.checkpointed(lease.lane(), checkpoint.no(), checkpoint.published(), checkpoint.parked());
    }

    /** Sleeps until the next look is due; an answer from the broker or a stop ends it early. */
    private void await() {
        long nanos = pipeline.hasRoom() && link.usable() ? pace.untilDueNanos() : NAP.toNanos();
        if (nanos > 0) {
            LockSupport.parkNanos(this, nanos);
        }
    }

    /** Waits for what is in flight, for a while, and writes down how far it came. */
    private void finish() throws SQLException {
        long deadline = System.nanoTime() + settings.shutdownTimeout().toNanos();
        while (!pipeline.isEmpty() && lease.valid() && System.nanoTime() - deadline < 0) {
            if (!settle()) {
                LockSupport.parkNanos(this, NAP.toNanos());
            }
        }
        if (lease.valid() && (!progress.isEmpty() || !done.equals(checkpoint.position()))) {
            writeCheckpoint();
        }
    }
}
