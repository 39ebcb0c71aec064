package dev.outbox.relay.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TableTest {

    private record Row(String state, long count, String text) {}

    private final Table<Row> table =
            new Table<Row>().whole("STATE", Row::state).number("N", Row::count).cut("TEXT", 20, Row::text);

    @Test
    void columnsAreInLineAndWideTextIsCut() {
        List<Row> rows = List.of(new Row("DEAD", 7, "short"), new Row("PAUSED", 1234, "x".repeat(21)));
        assertThat(table.lines(rows, Screen.NONE))
                .containsExactly(
                        "STATE      N  TEXT", //
                        "DEAD       7  short",
                        "PAUSED  1234  " + "x".repeat(19) + "…");
    }

    @Test
    void theLastColumnGivesWayOnANarrowScreen() {
        List<Row> rows = List.of(new Row("DEAD", 7, "0123456789012345678"));
        Screen narrow = new Screen(true, false, OptionalInt.of(28));
        assertThat(table.lines(rows, narrow).get(1))
                .isEqualTo("DEAD   7  01234567890123456…")
                .hasSize(28);
    }

    @Test
    void aColourTakesNoRoom() {
        Screen coloured = new Screen(true, true, OptionalInt.empty());
        String line = table.lines(List.of(new Row("DEAD", 7, "a")), coloured).get(1);
        assertThat(line).isEqualTo("\u001b[31mDEAD\u001b[0m   7  a");
    }

    @Test
    void charactersBeyondTheBasicPlaneAreNotTornApart() {
        String cut = table.lines(List.of(new Row("OK", 1, "🦉".repeat(30))), Screen.NONE)
                .get(1);
        assertThat(cut).endsWith("🦉".repeat(19) + "…");
    }

    @Test
    void nothingThatATerminalObeysIsLeft() {
        assertThat(Table.text("a\u001b[2J\u0007\nb\u202ec\u2028")).isEqualTo("a?[2J? b?c?");
        assertThat(Table.text(null)).isEqualTo("-");
        assertThat(Table.text(Instant.parse("2026-01-31T10:00:00.123456Z")))
                .matches("2026-\\d\\d-\\d\\dT\\d\\d:\\d\\d:00.123(Z|[+-]\\d\\d:\\d\\d)");
    }

    @ParameterizedTest
    @CsvSource({
        "PT-1S, 0.0s",
        "PT0.04S, 0.0s",
        "PT59.99S, 59.9s",
        "PT61S, 1m 1s",
        "PT25H3M, 1d 1h",
        "PT3H5M7S, 3h 5m",
    })
    void lengthsOfTimeHaveTwoUnits(Duration length, String text) {
        assertThat(Table.text(length)).isEqualTo(text);
    }
}
