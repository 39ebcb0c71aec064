package dev.outbox.relay;

/** How many rows the next page asks for: few while the messages' size is unknown or large. Used by one thread. */
final class PageRows {

    private static final int FIRST = 64;

    private final int most;
    private final long bytes;

    /** Lower than the most after a page that was too large for the driver, until the place has been passed. */
    private int ceiling;

    private int rows;

    PageRows(ChannelSettings channel, int ceiling) {
        this.most = channel.pageRowsMax();
        this.bytes = channel.pageBytes();
        this.ceiling = Math.min(ceiling, most);
        this.rows = Math.min(FIRST, this.ceiling);
    }

    int next() {
        return rows;
    }

    /** Pages grow by doubling while they are full and small, and shrink to what the messages' size allows. */
    void adapt(Page page, int asked) {
        int read = page.messages().size();
        if (read == 0) {
            return;
        }
        long rowsThatFit = Math.max(1, bytes / Math.max(1, page.bytes() / read));
        long wanted = read == asked ? asked * 2L : asked;
        rows = (int) Math.min(Math.min(wanted, rowsThatFit), ceiling);
    }

    /** The position has been written down, so that a page too large to read would cost less than before. */
    void allowMore() {
        ceiling = (int) Math.min(most, ceiling * 2L);
    }
}
