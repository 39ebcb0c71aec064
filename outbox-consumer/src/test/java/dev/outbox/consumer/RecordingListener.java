package dev.outbox.consumer;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Remembers what it heard, one line each. */
public final class RecordingListener implements ReceiverListener {

    private final List<String> heard = new CopyOnWriteArrayList<>();

    /** The lines, in their order. */
    public List<String> heard() {
        return List.copyOf(heard);
    }

    @Override
    public void received(ReceivedEvent event, EventReceiver.Outcome outcome) {
        heard.add(outcome + " " + event.id());
    }

    @Override
    public void failed(ReceivedEvent event, int attempt, Throwable cause, Duration retryIn) {
        heard.add("failed " + event.id() + " " + attempt);
    }

    @Override
    public void malformed(Origin origin, int attempt, MalformedEventException cause, Duration retryIn) {
        heard.add("malformed " + origin + " " + attempt);
    }

    @Override
    public void malformedSkipped(Origin origin, MalformedEventException cause) {
        heard.add("skipped " + origin);
    }

    @Override
    public void assigned(Collection<String> sources) {
        heard.add("assigned " + sources.size());
    }

    @Override
    public void recordsMissing(String partition, long expectedOffset) {
        heard.add("missing " + expectedOffset);
    }

    @Override
    public void outage(Throwable cause, Duration retryIn) {
        heard.add("outage " + cause.getMessage());
    }

    @Override
    public void closedLate(Duration waited) {
        heard.add("closed late");
    }
}
