package dev.outbox.relay;

/** Another relay owns the lane by now: this one wrote nothing and stops at once. */
final class FencedException extends RelayException {

    private static final long serialVersionUID = 1L;

    FencedException(String message) {
        super(message);
    }
}
