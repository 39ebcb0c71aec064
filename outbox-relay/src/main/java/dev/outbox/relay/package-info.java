/**
 * The relay's engine: reads what transactions have committed and publishes it, in order for each key.
 *
 * <p>Start with {@code LaneLoop}, the loop itself; {@link dev.outbox.relay.Relay} puts it together. The invariant: what
 * is visible in a lane's checkpointed snapshot has been published or parked, and nothing else is taken for published.
 */
@NullMarked
package dev.outbox.relay;

import org.jspecify.annotations.NullMarked;
