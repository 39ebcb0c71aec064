package dev.outbox.consumer.kafka;

import dev.outbox.consumer.EffectTable;
import dev.outbox.consumer.EventHandlers;
import dev.outbox.consumer.EventReceiver;
import dev.outbox.consumer.ReceivedEvent;
import dev.outbox.consumer.ReceiverListener;
import dev.outbox.inbox.Inbox;
import dev.outbox.inbox.InboxSettings;
import java.time.Duration;
import java.util.List;
import org.postgresql.ds.PGSimpleDataSource;

/** A consumer that dies after the first effect is committed and before its position is. */
final class CrashBeforeCommit {

    static final int EXIT_CODE = 86;

    private CrashBeforeCommit() {}

    public static void main(String[] args) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl(args[0]);
        source.setUser(args[1]);
        source.setPassword(args[2]);
        String topic = args[4];
        ReceiverListener crash = new ReceiverListener() {
            @Override
            public void received(ReceivedEvent event, EventReceiver.Outcome outcome) {
                Runtime.getRuntime().halt(EXIT_CODE);
            }
        };
        KafkaReceiver.start(
                        KafkaReceiverSettings.of(args[3], topic, List.of(topic)).withCloseTimeout(Duration.ZERO),
                        Inbox.jdbc(source, InboxSettings.defaults()),
                        EventHandlers.of(topic).on("thing.happened", EffectTable::record),
                        crash)
                .stopped()
                .join();
    }
}
