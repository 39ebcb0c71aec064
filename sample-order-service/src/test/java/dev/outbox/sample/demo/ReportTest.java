package dev.outbox.sample.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ReportTest {

    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private final Report report = new Report(new PrintStream(printed, true, StandardCharsets.UTF_8));

    @Test
    void countsAndShowsWhatIsRightAndWhatIsWrong() {
        report.figure("stock", 3, 3);
        report.figure("stock", 3, 4);
        assertThat(report.right()).isEqualTo(1);
        assertThat(report.wrong()).isEqualTo(1);
        assertThat(printed.toString(StandardCharsets.UTF_8))
                .isEqualTo("  OK       stock: 3%n  WRONG    stock: 3, and should be: 4%n".formatted());
    }

    @Test
    void waitsUntilAFigureIsRight() {
        AtomicInteger looks = new AtomicInteger();
        report.awaitFigure("looks", looks::incrementAndGet, 3);
        assertThat(report.right()).isEqualTo(1);
        assertThat(looks).hasValue(3);
    }
}
