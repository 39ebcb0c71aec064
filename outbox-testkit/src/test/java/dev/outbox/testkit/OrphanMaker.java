package dev.outbox.testkit;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;

/** A program for the tests of {@link JavaProcess}: it starts servers and never closes them. */
final class OrphanMaker {

    private static final long TICK_NANOS = 10_000_000;

    public static void main(String[] args) throws InterruptedException {
        switch (args[0]) {
            case "wait" -> {
                CompletableFuture<KafkaServer> kafka = CompletableFuture.supplyAsync(
                        () -> KafkaServer.start(KafkaOptions.defaults().asNativeOnly()));
                CompletableFuture<RabbitServer> rabbit = CompletableFuture.supplyAsync(
                        () -> RabbitServer.start(RabbitOptions.defaults().asNativeOnly()));
                PostgresServer postgres =
                        PostgresServer.start(PostgresOptions.defaults().asNativeOnly());
                System.out.println("pids " + postgres.pid() + " " + kafka.join().pid() + " "
                        + rabbit.join().pid());
                new CountDownLatch(1).await();
            }
            case "exit" -> {
                System.out.println(System.getenv("GREETING") + " " + System.getProperty("greeting.to"));
                System.exit(3);
            }
            case "tick" -> {
                while (true) {
                    System.out.println("tick");
                    LockSupport.parkNanos(TICK_NANOS);
                }
            }
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    private OrphanMaker() {}
}
