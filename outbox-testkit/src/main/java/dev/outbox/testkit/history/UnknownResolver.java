package dev.outbox.testkit.history;

import java.util.Set;
import java.util.UUID;

/**
 * Decides about messages whose commit was neither confirmed nor refused: asks a table that the same transactions wrote.
 *
 * <p>Asked when the writers have ended. It must not ask the outbox itself, which is what is being judged.
 */
@FunctionalInterface
public interface UnknownResolver {

    /**
     * Which of the messages really were committed.
     *
     * @param unknown at most {@value History#RESOLVED_AT_ONCE_MAX} ids
     */
    Set<UUID> committedOf(Set<UUID> unknown);
}
