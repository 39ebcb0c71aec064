package dev.outbox.relay;

/**
 * A saved position does not belong to this database: it was restored, copied or upgraded. The relay stops, and an operator
 * decides by {@code outbox rebase}.
 */
public final class ForeignPositionException extends RelayException {

    private static final long serialVersionUID = 1L;

    ForeignPositionException(String message) {
        super(message);
    }
}
