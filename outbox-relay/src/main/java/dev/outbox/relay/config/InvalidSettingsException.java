package dev.outbox.relay.config;

import dev.outbox.relay.RelayException;
import java.util.List;
import java.util.stream.Collectors;

/** Settings that nothing was started with; it names every problem there is, not only the first. */
public final class InvalidSettingsException extends RelayException {

    private static final long serialVersionUID = 1L;

    private final transient List<Problem> problems;

    InvalidSettingsException(List<Problem> problems) {
        super(problems.stream()
                .map(problem -> "\n  - " + problem)
                .collect(Collectors.joining(
                        "", "Settings are not valid, nothing was started: problems=" + problems.size(), "")));
        this.problems = List.copyOf(problems);
    }

    /** Every problem, in the order of the table. */
    public List<Problem> problems() {
        return problems;
    }
}
