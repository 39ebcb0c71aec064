package dev.outbox.relay;

import dev.outbox.relay.broker.BrokerSession;
import dev.outbox.relay.broker.Failure;
import dev.outbox.relay.broker.Message;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
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

    /** A topic that is silent for so long is asked for, while others are answered. */
    private static final Duration TOPIC_SILENCE = Duration.ofSeconds(1);

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
    private final PageSender sender;
    private final Retries retries;
    private final Replays replays;
    private final LaneTrouble trouble;
    private final Progress progress = new Progress();
    private final PollPace pace;

    private Checkpoint checkpoint;

    /** Long ago, so that the first that is done is written down at once: whoever dies young repeats little. */
    private long checkpointedAtNanos = System.nanoTime() - SNAPSHOT_INTERVAL.toNanos();

    private boolean progressed;

    /** The session has messages that are not waited for any more, so it is not used again. */
    private boolean givenUp;

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

    private LaneLoop(
            Parts parts, BooleanSupplier stopping, WindowReader reader, Checkpoint checkpoint, Retries retries) {
        this.lease = parts.lease;
        this.settings = parts.settings;
        this.channel = parts.channel;
        this.connection = parts.connection;
        this.link = parts.link;
        this.listener = parts.listener;
        this.stopping = stopping;
        this.reader = reader;
        this.store = new CheckpointStore(connection, lease, channel.parking());
        this.pipeline = new Pipeline(channel);
        this.retries = retries;
        this.replays = new Replays(parts, reader.pageRows());
        this.trouble = new LaneTrouble(connection, lease);
        this.sender = new PageSender(parts, retries.holds(), pipeline);
        this.pace = new PollPace(settings.pollMin(), settings.pollMax());
        this.checkpoint = checkpoint;
        this.done = checkpoint.position();
        this.read = done;
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
                saved.in(here),
                Retries.load(parts, pageRowsCeiling));
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
            moved |= publish();
            checkpointIfDue();
            trouble.tell(link.trouble() == null ? retries.trouble() : link.trouble());
            if (!moved) {
                await();
            }
        }
        finish();
    }

    /** Takes what the broker has answered for, in order, and deals with what it did not take. */
    private boolean settle() throws SQLException {
        boolean moved = false;
        for (InFlightPage page = pipeline.oldest(); page != null && page.done(); page = pipeline.oldest()) {
            pipeline.removeOldest();
            progress.add(page);
            retries.settled(page);
            if (page.source() == Page.Source.REPLAY) {
                replays.settled(page, progress);
            }
            done = page.after();
            report(page);
            moved = true;
        }
        Optional<Failure> outage = outage();
        giveUpMissingTopics();
        if (outage.isEmpty() && pipeline.isTroubled() && pipeline.isQuiet()) {
            outage = settleRefusals();
            moved = true;
        }
        if (outage.isPresent()) {
            startOver(outage.get());
            moved = true;
        }
        return moved;
    }

    private void report(InFlightPage page) {
        int parked = page.parkings().size();
        int published = page.size() - parked - page.left().size();
        progressed |= page.size() > 0;
        if (published > 0) {
            link.answered();
        }
        if (page.size() > 0) {
            Duration sinceSent = Duration.ofNanos(System.nanoTime() - page.sentAtNanos());
            listener.pageSettled(lease.lane(), published, parked, sinceSent);
        }
    }

    /** Everything that was sent is answered, so it is known what has overtaken what was refused. */
    private Optional<Failure> settleRefusals() {
        if (givenUp) {
            link.close();
            givenUp = false;
        }
        BrokerSession session = link.session();
        if (session == null) {
            return Optional.of(new Failure(Failure.Kind.OUTAGE, "NoSession", "the session is gone"));
        }
        reportOvertaken();
        Optional<Failure> outage = Optional.empty();
        for (InFlightPage page : pipeline.sent()) {
            outage = outage.isPresent() ? outage : sender.sendRefusedAgain(session, page);
        }
        return outage;
    }

    /**
     * Kafka's client keeps what it has for a topic that was deleted, and would send it if the topic came back: when all else is
     * answered, it is closed.
     */
    private void giveUpMissingTopics() {
        BrokerSession session = link.openSession();
        if (session == null || pipeline.owed().compareTo(TOPIC_SILENCE) < 0) {
            return;
        }
        session.missing(pipeline.unansweredTopics()).forEach((topic, failure) -> {
            pipeline.sent().forEach(page -> page.giveUp(topic, failure));
            givenUp = true;
        });
    }

    /** A failure of anything in flight, or too long a silence about it. */
    private Optional<Failure> outage() {
        Failure failure = pipeline.outage();
        if (pipeline.isQuiet() || (failure != null && !link.alive())) {
            return Optional.ofNullable(failure);
        }
        // After a failure that the session survived, the rest is answered too: what is accepted need not go again.
        Duration silence = pipeline.silence();
        if (silence.compareTo(channel.publishTimeout()) < 0) {
            return Optional.empty();
        }
        String said = "no answer from the broker for " + silence.toMillis() + " ms";
        return Optional.of(failure == null ? new Failure(Failure.Kind.OUTAGE, "PublishTimeout", said) : failure);
    }

    /** Sends what is next, if there is room: what goes again, else a page that is read now. */
    private boolean publish() throws SQLException {
        boolean somethingToSend = pipeline.hasAgain()
                || retries.due()
                || replays.due()
                || (mayRead() && (read.window() != null || pace.due()));
        if (pipeline.isTroubled() || !(somethingToSend || sender.hasWaiting())) {
            return false; // in trouble nothing is sent that might overtake
        }
        BrokerSession session = link.session();
        if (session == null) {
            return false;
        }
        boolean moved = sender.sendWaiting(session);
        if (!somethingToSend || !pipeline.hasRoom() || pipeline.isTroubled()) {
            return moved;
        }
        InFlightPage again = pipeline.takeAgain();
        if (again != null) {
            sender.send(session, again);
            return true;
        }
        Page page = retries.due() ? retries.next(read, nothingUnwritten()) : null;
        if (page == null
                && replays.due()
                && progress.parkings().isEmpty()) { // else it would take what is parked for published
            page = replays.next(done, read, progress);
        }
        if (page == null) {
            if (!mayRead() || (read.window() == null && !openWindow())) {
                return moved;
            }
            page = reader.page(read);
        }
        InFlightPage inFlight = new InFlightPage(page, Thread.currentThread());
        pipeline.add(inFlight);
        sender.send(session, inFlight);
        read = page.after();
        return true;
    }

    /** Whether the outbox may be read: not while a hold is about to be released, nor while too much is parked. */
    private boolean mayRead() {
        return !retries.closing() && !retries.full();
    }

    /** Whether everything that was parked is in the table. */
    private boolean nothingUnwritten() {
        return pipeline.isEmpty() && progress.parkings().isEmpty();
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

    /** All that is in flight and not accepted goes again, in order, once the broker is back. */
    private void startOver(Failure outage) throws SQLException {
        if (link.alive() && pipeline.isQuiet() && !givenUp) {
            link.busy(outage, pipeline.hasAccepted());
        } else {
            link.lost(outage);
            givenUp = false;
        }
        reportOvertaken();
        pipeline.sent().forEach(sender::parkRefusedForTopic);
        pipeline.startOver();
        sender.startOver();
        writeCheckpoint();
    }

    private void reportOvertaken() {
        for (Message message : sender.overtaken()) {
            progress.orderException();
            listener.orderException(lease.lane(), message);
        }
    }

    private void checkpointIfDue() throws SQLException {
        boolean writeAgain = progress.outcomes().addAll(retries.unwritten());
        if (writeAgain
                || retries.wantsCheckpoint(
                        pipeline.isEmpty() && !progress.parkings().isEmpty())) {
            writeCheckpoint();
            return;
        }
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
        retries.written(progress);
        replays.written();
        progress.clear();
        checkpointedAtNanos = System.nanoTime();
        listener.checkpointed(lease.lane(), checkpoint.no(), checkpoint.published(), checkpoint.parked());
    }

    /** Sleeps until the next look is due; an answer from the broker or a stop ends it early. */
    private void await() {
        boolean ready = mayRead() && pipeline.hasRoom() && !pipeline.isTroubled() && link.usable();
        long nanos = ready ? pace.untilDueNanos() : NAP.toNanos();
        if (nanos > 0) {
            LockSupport.parkNanos(this, nanos);
        }
    }

    /** Waits for what is in flight, for a while, and writes down how far it came. */
    private void finish() throws SQLException {
        long deadline = System.nanoTime() + settings.shutdownTimeout().toNanos();
        while (pipeline.oldest() != null && lease.valid() && System.nanoTime() - deadline < 0) {
            boolean moved = settle();
            BrokerSession session = sender.hasWaiting() && !pipeline.isTroubled() ? link.session() : null;
            moved |= session != null && sender.sendWaiting(session);
            if (!moved) {
                LockSupport.parkNanos(this, NAP.toNanos());
            }
        }
        if (lease.valid() && (!progress.isEmpty() || !done.equals(checkpoint.position()))) {
            writeCheckpoint();
        }
    }
}
