package dev.outbox.testkit;

/** A server that somebody else runs: it is used as it is. */
final class ExternalControl implements ServerControl {

    private final String variable;

    /** @param variable the environment variable that named the server */
    ExternalControl(String variable) {
        this.variable = variable;
    }

    @Override
    public void start() {
        throw unsupported("started");
    }

    @Override
    public void stop() {
        throw unsupported("stopped");
    }

    @Override
    public void kill() {
        throw unsupported("killed");
    }

    @Override
    public void suspend() {
        throw unsupported("suspended");
    }

    @Override
    public void resume() {
        throw unsupported("resumed");
    }

    @Override
    public long pid() {
        throw unsupported("asked for its process id");
    }

    @Override
    public boolean isRunning() {
        return true;
    }

    @Override
    public void close() {
        // Not ours to end.
    }

    /** The error for what only a server's owner may do to it, e.g. {@code stopped}. */
    UnsupportedOperationException unsupported(String what) {
        return new UnsupportedOperationException("Server cannot be " + what + ": it is the external one named by "
                + variable + "; ask for one of your own with asNativeOnly()");
    }
}
