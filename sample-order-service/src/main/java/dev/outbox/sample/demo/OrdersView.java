package dev.outbox.sample.demo;

import java.util.List;

/** What is published about orders, as an onlooker sees it who takes nothing away from the inventory service. */
interface OrdersView extends AutoCloseable {

    /**
     * One delivery of an event.
     *
     * @param eventId the id in its headers
     * @param sequence the sequence in its headers
     * @param destination what the relay calls the place it went to, in its receipts
     * @param place where it is, for people
     */
    record Published(String eventId, String sequence, String destination, String place) {}

    /** What one delivery is called at this broker, and where, in the plural. */
    String name();

    /** Everything that was published so far. */
    List<Published> published();

    /** Every delivery of one event. */
    default List<Published> published(String eventId) {
        return published().stream()
                .filter(each -> each.eventId().equals(eventId))
                .toList();
    }

    /** Publishes the event once more, byte for byte, and says where it is now. */
    String again(String eventId);

    /**
     * Checks that the broker knows the inventory service to be done with what {@link #again} published.
     *
     * @param stop stops the inventory service, where that does not show before
     */
    void checkDone(Report report, Runnable stop);

    @Override
    void close();
}
