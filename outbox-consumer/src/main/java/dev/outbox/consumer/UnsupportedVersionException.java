package dev.outbox.consumer;

import dev.outbox.OutboxException;
import java.util.List;

/**
 * The type of an event has handlers, but none for its version, nor a chain of upcasters to one. Thrown before a
 * transaction was begun. What mends it is a handler for the version's major, or an upcaster from the version.
 */
public final class UnsupportedVersionException extends OutboxException {

    private final String type;
    private final String version;
    private final List<String> supported;

    UnsupportedVersionException(ReceivedEvent event, List<String> supported) {
        super("Version not supported: id=" + event.id() + ", type=" + event.type() + ", version=" + event.version()
                + ", supported=" + supported + "; nothing was done");
        this.type = event.type();
        this.version = event.version();
        this.supported = List.copyOf(supported);
    }

    /** The type of the event. */
    public String type() {
        return type;
    }

    /** The version of the event that nothing handles. */
    public String version() {
        return version;
    }

    /**
     * What is handled, oldest first: {@code 1.0} for a version that upcasters bring to a handler, {@code 1.1+} for one
     * and the newer ones of its major, {@code 2.x} for all of a major.
     */
    public List<String> supported() {
        return supported;
    }
}
