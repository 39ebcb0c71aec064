package dev.outbox.relay;

/**
 * A lane's position as it is written down.
 *
 * @param no counts the lane's checkpoints, from 1; 0 before the first
 * @param position how far the lane is
 * @param published how many messages it has published since its generation began
 * @param parked how many it has parked
 * @param cluster the database it was made in
 */
record Checkpoint(long no, Position position, long published, long parked, Cluster cluster) {}
