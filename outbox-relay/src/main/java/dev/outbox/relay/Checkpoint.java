package dev.outbox.relay;

/**
 * A lane's position as it is written down.
 *
 * @param no counts the lane's checkpoints, from 1; 0 before the first
 * @param position how far the lane is
 * @param published how many messages it has published since its generation began
 * @param parked how many it has parked
 * @param orderExceptions how many it could not keep in order
 * @param cluster the database it was made in
 */
record Checkpoint(long no, Position position, long published, long parked, long orderExceptions, Cluster cluster) {

    /** The same as another cluster's. */
    Checkpoint in(Cluster here) {
        return new Checkpoint(no, position, published, parked, orderExceptions, here);
    }
}
