package dev.outbox.testkit.history.workload;

import java.util.concurrent.CountDownLatch;

/** Stands in for a relay: says that it is up and does nothing, or ends at once with a code. */
final class WaitingRelay {

    public static void main(String[] arguments) throws InterruptedException {
        System.out.println("up");
        if (arguments.length > 0) {
            System.exit(Integer.parseInt(arguments[0]));
        }
        new CountDownLatch(1).await();
    }

    private WaitingRelay() {}
}
