package dev.outbox.consumer.kafka;

import dev.outbox.consumer.EventReceiver;
import dev.outbox.consumer.MalformedEventException;
import dev.outbox.consumer.Origin;
import dev.outbox.consumer.ReceivedEvent;
import dev.outbox.consumer.ReceiverListener;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Remembers what it heard, one line each. */
final class RecordingListener implements ReceiverListener {

    private final List<String> heard = new CopyOnWriteArrayList<>();

    List<String> heard() {
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
        heard.add("malformed " + origin.partition() + "@" + origin.offset() + " " + attempt);
    }

    @Override
    public void malformedSkipped(Origin origin, MalformedEventException cause) {
        heard.add("skipped " + origin.partition() + "@" + origin.offset());
    }

    @Override
    public void assigned(Collection<String> partitions) {
        heard.add("assigned " + partitions.size());
    }

    @Override
    public void recordsMissing(String partition, long expectedOffset) {
        heard.add("missing " + expectedOffset);
    }

    @Override
    public void closedLate(Duration waited) {
        heard.add("closed late");
    }
}
