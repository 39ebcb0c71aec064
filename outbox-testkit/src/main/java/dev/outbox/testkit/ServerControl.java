package dev.outbox.testkit;

/** What can be done to a running server, wherever it runs; the ways to run one implement it. */
interface ServerControl extends AutoCloseable {

    /** Starts it, or starts it again with the data it had; returns when it accepts connections. */
    void start();

    /** Ends it in order. */
    void stop();

    /** Ends it as a crash would. */
    void kill();

    /** Lets it stand still, its connections open, until {@link #resume}. */
    void suspend();

    void resume();

    long pid();

    boolean isRunning();

    /** Ends it for good and removes what was temporary. */
    @Override
    void close();
}
