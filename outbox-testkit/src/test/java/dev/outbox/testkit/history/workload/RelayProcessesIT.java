package dev.outbox.testkit.history.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outbox.testkit.JavaCommand;
import dev.outbox.testkit.JavaProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RelayProcessesIT {

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final List<JavaProcess> started = new ArrayList<>();

    @Test
    void oneAfterTheOtherIsKilledAndReplaced() {
        try (RelayProcesses relays = RelayProcesses.start(2, n -> start())) {
            relays.killOne();
            relays.killOne();

            assertThat(started).hasSize(4);
            assertThat(started).extracting(JavaProcess::isAlive).containsExactly(false, false, true, true);
            assertThat(relays.killed()).isEqualTo(2);
            assertThat(relays.unexpectedEnds()).isEmpty();
        }
        assertThat(started).noneMatch(JavaProcess::isAlive);
    }

    @Test
    void oneThatEndedByItselfIsReportedEvenAfterItWasReplaced() {
        try (RelayProcesses relays = RelayProcesses.start(1, n -> n == 0 ? start("3") : start())) {
            assertThat(started.get(0).awaitExit(PATIENCE)).hasValue(3);
            assertThat(relays.unexpectedEnds()).singleElement().asString().contains("exit=3", "up");
            relays.killOne();
            assertThat(relays.unexpectedEnds()).hasSize(1);
        }
    }

    @Test
    void onlyARelayThatWorksIsKilledWhenThatIsAsked() {
        try (RelayProcesses relays = RelayProcesses.start(1, n -> start())) {
            relays.killWorking("^up$", PATIENCE);
            assertThat(relays.killed()).isEqualTo(1);

            assertThatThrownBy(() -> relays.killWorking("publishes", Duration.ofMillis(1)))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(relays.killed()).isEqualTo(1);
            assertThat(started.get(1).isAlive()).isTrue();
        }
    }

    private JavaProcess start(String... arguments) {
        JavaProcess process = JavaProcess.start(
                JavaCommand.ofClass(WaitingRelay.class.getName()).withArguments(arguments));
        process.awaitLine("up", PATIENCE);
        started.add(process);
        return process;
    }
}
