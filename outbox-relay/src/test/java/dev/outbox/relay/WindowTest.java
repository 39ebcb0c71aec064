package dev.outbox.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outbox.relay.Window.Bounds;
import dev.outbox.relay.Window.Shape;
import org.junit.jupiter.api.Test;

class WindowTest {

    private static final Snapshot SEEN = Snapshot.parse("100:120:100,105");

    @Test
    void aSnapshotIsReadAsPostgresWritesIt() {
        assertThat(SEEN.xmax()).isEqualTo(120);
        assertThat(SEEN.running()).isEqualTo("{100,105}");
        assertThat(Snapshot.parse("7:7:").running()).isEqualTo("{}");
        assertThatThrownBy(() -> Snapshot.parse("7:7")).hasMessageContaining("text=7:7");
    }

    @Test
    void aWindowThatFitsOnePageIsSmall() {
        assertThat(window(new Bounds(1, 1_000_000, 600), new Bounds(2, 3, 400)).shape(1000))
                .isEqualTo(Shape.SMALL);
    }

    @Test
    void manyRowsThatLieTogetherAreWalkedByThePrimaryKey() {
        assertThat(window(new Bounds(1, 5000, 5000), Bounds.NONE).shape(1000)).isEqualTo(Shape.LARGE);
        assertThat(window(Bounds.NONE, new Bounds(1, 5000, 5000)).shape(1000)).isEqualTo(Shape.LARGE);
        assertThat(window(new Bounds(100, 5000, 4000), new Bounds(1, 4000, 900)).shape(1000))
                .isEqualTo(Shape.LARGE);
    }

    @Test
    void aFewLateRowsFarBelowManyFreshOnesAreReadApart() {
        assertThat(window(new Bounds(5_000_000, 5_002_000, 2000), new Bounds(1, 1, 1))
                        .shape(1000))
                .isEqualTo(Shape.MIXED);
    }

    private static Window window(Bounds fresh, Bounds late) {
        return new Window(SEEN, fresh, late);
    }
}
