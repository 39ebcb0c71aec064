package dev.outbox.relay;

/**
 * The rows that a later snapshot sees and the position's snapshot does not.
 *
 * <p>They come in two parts: those of transactions that began after the position's snapshot ({@code xid >= xmax}), and
 * those of transactions that were running in it ({@code xid = ANY(xip)}), which may lie far below.
 *
 * @param snapshot the later snapshot; once the window is through, the position is here
 * @param fresh bounds of the first part
 * @param late bounds of the second part
 */
record Window(Snapshot snapshot, Bounds fresh, Bounds late) {

    /**
     * Bounds of a part, over all channels and lanes.
     *
     * @param low the smallest seq
     * @param high the largest seq
     * @param count how many rows; 0 makes low and high meaningless
     */
    record Bounds(long low, long high, long count) {
        static final Bounds NONE = new Bounds(Long.MAX_VALUE, Long.MIN_VALUE, 0);
    }

    /** How a page of the window is read: the way that touches the fewest rows. */
    enum Shape {
        /** All of it is one page. */
        SMALL,
        /** By the primary key from the lowest seq to the highest. */
        LARGE,
        /** A few late rows far below many fresh ones: each part for itself, so that nobody walks the gap. */
        MIXED
    }

    long low() {
        return Math.min(fresh.low, late.low);
    }

    long high() {
        return Math.max(fresh.high, late.high);
    }

    boolean empty() {
        return fresh.count + late.count == 0;
    }

    /** The shape for pages of {@code pageRows} rows. */
    Shape shape(int pageRows) {
        if (fresh.count + late.count <= pageRows) {
            return Shape.SMALL;
        }
        if (late.count == 0 || fresh.count == 0) {
            return Shape.LARGE;
        }
        // Each page of MIXED sorts all late rows that are left; LARGE walks everything between the ends once.
        long pages = (fresh.count + late.count) / pageRows + 1;
        long mixed = (fresh.high - fresh.low) + late.count * pages;
        return mixed < high() - low() ? Shape.MIXED : Shape.LARGE;
    }
}
