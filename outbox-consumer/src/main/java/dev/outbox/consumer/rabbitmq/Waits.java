package dev.outbox.consumer.rabbitmq;

import java.time.Duration;

/** How long to wait after each failed attempt: twice as long each time, up to the most. */
record Waits(Duration first, Duration most) {

    private static final int DOUBLINGS_MAX = 20;

    /** The wait after this attempt, from 1. */
    Duration after(int attempt) {
        Duration wait = first.multipliedBy(1L << Math.min(attempt - 1, DOUBLINGS_MAX));
        return wait.compareTo(most) < 0 ? wait : most;
    }
}
