package dev.outbox.consumer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class LoggingReceiverListenerTest {

    private static final Origin ORIGIN = new Origin.Kafka("orders", 2, 41);
    private static final ReceivedEvent EVENT = new ReceivedEvent(
            "e-1",
            "order.created",
            "1.0",
            Instant.EPOCH,
            null,
            null,
            "order-service",
            "secret-key",
            "secret-data".getBytes(StandardCharsets.UTF_8),
            "application/json",
            Map.of("h", "secret-header"),
            ORIGIN);

    @Test
    void saysWhichRecordIsNotAnEventAndWhatHappensNext() {
        MalformedEventException cause = new MalformedEventException(ORIGIN, "the value is not JSON");
        assertThat(logged(log -> log.malformed(ORIGIN, 3, cause, Duration.ofSeconds(4))))
                .contains("ERROR", "origin=orders-2@41, attempt=3", "4000 ms", "not JSON");
        assertThat(logged(log -> log.malformedSkipped(ORIGIN, cause)))
                .contains("ERROR", "origin=orders-2@41; passed by");
    }

    @Test
    void saysWhichEventFailedWithoutItsContent() {
        assertThat(logged(
                        log -> log.failed(EVENT, 2, new IllegalStateException("out of stock"), Duration.ofMillis(500))))
                .contains("WARN", "id=e-1, type=order.created, origin=orders-2@41, attempt=2", "500 ms", "out of stock")
                .doesNotContain("secret");
    }

    @Test
    void saysWhenRecordsAreGoneOrTheReceiverIs() {
        assertThat(logged(log -> log.recordsMissing("orders-2", 7))).contains("ERROR", "orders-2", "7");
        assertThat(logged(log -> log.stopped(new OutOfMemoryError("heap")))).contains("ERROR", "heap");
    }

    private static String logged(Consumer<ReceiverListener> event) {
        PrintStream before = System.err;
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        System.setErr(new PrintStream(text, true, StandardCharsets.UTF_8));
        try {
            event.accept(ReceiverListener.logging());
        } finally {
            System.setErr(before);
        }
        return text.toString(StandardCharsets.UTF_8);
    }
}
