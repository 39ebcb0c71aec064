package dev.outbox.sample.demo;

import java.util.Map;

/** The broker of the demo: a server of its own, with what has to be there before the relay starts. */
interface DemoBroker extends AutoCloseable {

    /** Its name, and where it is. */
    String description();

    /** What the relay has to know. */
    Map<String, String> relayEnvironment();

    /** What the inventory service has to know. */
    Map<String, String> serviceEnvironment();

    /** Looks at everything that is published, from the start of the server on. */
    OrdersView view();

    @Override
    void close();
}
