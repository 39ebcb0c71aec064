package dev.outbox.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ErrandTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    @TempDir
    Path directory;

    @Test
    void givesTheOutputAndLeavesNothing() {
        assertThat(run(TIMEOUT, "sh", "-c", "echo $WORD; echo err >&2")).isEqualTo("hello\nerr\n");
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void tellsWhyItFailedButNotTheCommandLine() {
        assertThatThrownBy(() -> run(TIMEOUT, "sh", "-c", "echo no luck; exit 7", "secret"))
                .hasMessageContaining("try it")
                .hasMessageContaining("7")
                .hasMessageContaining("no luck")
                .hasMessageNotContaining("secret");
        assertThatThrownBy(() -> run(TIMEOUT, "no-such-program-here"))
                .hasMessageContaining("no-such-program-here")
                .hasMessageContaining("127");
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void endsWhatTakesTooLong() {
        assertThatThrownBy(() -> run(Duration.ofMillis(100), "sh", "-c", "echo begun; exec sleep 600"))
                .hasMessageContaining("try it")
                .hasMessageContaining("was killed");
        assertThat(Signals.children(ProcessHandle.current().pid()))
                .noneMatch(process -> process.info().commandLine().orElse("").contains("sleep 600"));
    }

    private String run(Duration timeout, String... command) {
        return Errand.run("try it", List.of(command), Map.of("WORD", "hello"), directory, timeout);
    }
}
