package dev.outbox.relay;

/**
 * Names a lane: the part of a channel that one relay publishes at a time.
 *
 * @param channel the channel's name
 * @param generation counts the channel's divisions into lanes, from 1
 * @param lane which one, from 0
 * @param lanes of how many
 */
public record LaneKey(String channel, int generation, int lane, int lanes) {

    /** Short form for logs: {@code orders/0}. */
    @Override
    public String toString() {
        return channel + "/" + lane;
    }
}
