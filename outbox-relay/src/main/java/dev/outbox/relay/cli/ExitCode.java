package dev.outbox.relay.cli;

/** What a process tells whoever started it. */
final class ExitCode {

    /** Done, or stopped as asked. */
    static final int OK = 0;

    /** Anything that has no code of its own; starting again may help. */
    static final int FAILED = 1;

    /** Wrong arguments or settings: nothing was started. */
    static final int WRONG_SETTINGS = 2;

    /** Starting again does not help, an operator has to decide. */
    static final int OPERATOR_NEEDED = 3;

    /** The outbox says no to what was asked for, and nothing was changed. */
    static final int REFUSED = 4;

    private ExitCode() {}
}
