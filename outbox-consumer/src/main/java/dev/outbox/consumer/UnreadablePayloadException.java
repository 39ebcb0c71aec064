package dev.outbox.consumer;

import dev.outbox.OutboxException;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;

/**
 * The payload of an event cannot be read as its handler's class. Thrown before a transaction was begun.
 *
 * <p>Names the event and the field, never the payload. So it has no cause, whose text may quote the payload; instead, it
 * has the cause's class in its text and the cause's stack trace as its own.
 */
public final class UnreadablePayloadException extends OutboxException {

    private static final String ROOT = "data";
    private static final int DEPTH_MAX = 20;
    private static final int CAUSES_MAX = 20;

    /** Names as classes have them; another one is the key of a map, and so content. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_-]{0,63}");

    private final String eventId;
    private final String type;
    private final String version;
    private final String field;

    private UnreadablePayloadException(ReceivedEvent event, String field, String what) {
        super("Payload not readable: id=" + event.id() + ", type=" + event.type() + ", version=" + event.version()
                + ", field=" + field + ", " + what);
        this.eventId = event.id();
        this.type = event.type();
        this.version = event.version();
        this.field = field;
    }

    /** Something is wrong with the payload as a whole. */
    static UnreadablePayloadException of(ReceivedEvent event, String what) {
        return new UnreadablePayloadException(event, ROOT, what);
    }

    /** Reading it failed; what failed is said as in {@code class=OrderCreated}. */
    static UnreadablePayloadException of(ReceivedEvent event, String what, Exception cause) {
        String field = cause instanceof JacksonException jackson ? path(jackson.getPath()) : ROOT;
        Throwable root = root(cause);
        UnreadablePayloadException unreadable = new UnreadablePayloadException(
                event, field, what + ", error=" + root.getClass().getSimpleName());
        unreadable.setStackTrace(root.getStackTrace());
        return unreadable;
    }

    private static String path(List<JacksonException.Reference> references) {
        StringBuilder path = new StringBuilder(ROOT);
        for (JacksonException.Reference each : references.subList(0, Math.min(DEPTH_MAX, references.size()))) {
            String name = each.getPropertyName();
            if (name == null) {
                path.append('[').append(each.getIndex()).append(']');
            } else if (each.from() instanceof Map || !NAME.matcher(name).matches()) {
                path.append(".*");
            } else {
                path.append('.').append(name);
            }
        }
        return path.toString();
    }

    private static Throwable root(Throwable cause) {
        Throwable root = cause;
        for (int n = 0; n < CAUSES_MAX && root.getCause() != null; n++) {
            root = root.getCause();
        }
        return root;
    }

    /** The id of the event. */
    public String eventId() {
        return eventId;
    }

    /** The type of the event. */
    public String type() {
        return type;
    }

    /** The version of the event, as it came. */
    public String version() {
        return version;
    }

    /** The field that cannot be read, as in {@code data.items[0].quantity}, or {@code data} if it is the whole. */
    public String field() {
        return field;
    }
}
