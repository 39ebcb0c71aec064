package dev.outbox.testkit.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HistoryFileTest {

    private static final Instant AT = Instant.parse("2026-01-15T10:30:00.123Z");
    private static final Clock CLOCK = Clock.fixed(AT, ZoneOffset.UTC);
    private static final byte[] PAYLOAD = "{}".getBytes(StandardCharsets.UTF_8);

    @TempDir
    Path directory;

    @Test
    void twoWritersAndAReaderAreJudgedTogetherInWhateverOrderTheirFilesAreAdded() {
        UUID first = new UUID(0, 1);
        UUID second = new UUID(0, 2);
        UUID rolledBack = new UUID(0, 3);
        String key = "tab\there, line\nthere, back\\slash, \\0, ключ";
        try (HistoryFile one = HistoryFile.create(file("writer-1"), CLOCK);
                HistoryFile two = HistoryFile.create(file("writer-2"), CLOCK);
                HistoryFile reader = HistoryFile.create(file("reader"), CLOCK)) {
            one.appended(Append.of(first, "orders", key, 1, PAYLOAD, AT).withXid(7));
            one.appended(Append.of(rolledBack, "orders", null, Append.UNORDERED, PAYLOAD, AT));
            one.finished(Outcome.COMMITTED, List.of(first));
            one.finished(Outcome.ROLLED_BACK, List.of(rolledBack));
            one.finished(Outcome.COMMITTED, List.of());
            two.appended(Append.of(second, "orders", key, 2, PAYLOAD, AT));
            two.finished(Outcome.UNKNOWN, List.of(second));
            reader.delivered(
                    Delivery.of(second, "orders", key, PAYLOAD, 2, 10, AT).withSeq(5));
            reader.delivered(Delivery.of(first, "orders", key, PAYLOAD, 2, 11, AT));
            reader.delivered(Delivery.of(rolledBack, "orders", null, PAYLOAD, 2, 12, AT));
        }

        History history = new History(CLOCK);
        assertThat(history.add(file("reader"))).isEqualTo(3);
        assertThat(history.add(file("writer-2"))).isEqualTo(2);
        assertThat(history.add(file("writer-1"))).isEqualTo(5);
        history.resolve(Set::copyOf);

        HistoryReport report = HistoryChecker.check(history);
        assertThat(report.outOfOrder()).isEqualTo(1);
        assertThat(report.phantom()).isEqualTo(1);
        assertThat(report.violations()).hasSize(2);
        assertThat(report.describe())
                .contains("key=" + key, "xid=7", "seq=5", "partition=2, offset=11", "deliveredAt=" + AT);
    }

    @Test
    void aTornLastLineIsIgnored() throws IOException {
        try (HistoryFile writer = HistoryFile.create(file("writer"), CLOCK)) {
            writer.appended(Append.of(new UUID(0, 1), "orders", "k", 1, PAYLOAD, AT));
        }
        Files.write(file("writer"), new byte[] {'A', '\t', (byte) 0xd0}, StandardOpenOption.APPEND);

        History history = new History(CLOCK);

        assertThat(history.add(file("writer"))).isEqualTo(1);
        assertThat(HistoryChecker.check(history).appended()).isEqualTo(1);
    }

    @Test
    void aLineThatIsNoEventIsReportedWithItsNumber() throws IOException {
        Files.writeString(file("broken"), "F\tCOMMITTED\t0\t\nwhat is this\n");

        assertThatThrownBy(() -> new History(CLOCK).add(file("broken")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("broken", "line=2");
    }

    @Test
    void anExistingFileIsNotOverwritten() throws IOException {
        Files.writeString(file("here"), "");

        assertThatThrownBy(() -> HistoryFile.create(file("here"), CLOCK)).isInstanceOf(UncheckedIOException.class);
    }

    private Path file(String name) {
        return directory.resolve(name + ".history");
    }
}
