package dev.outbox.spring;

import dev.outbox.inbox.Inbox;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

/** Forgets old message ids, ten minutes apart, from a thread of its own while the application runs. */
final class InboxCleaner implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(InboxCleaner.class);
    private static final Duration INTERVAL = Duration.ofMinutes(10);
    private static final int ROWS_MAX = 100_000;

    private final Inbox inbox;
    private final Duration retention;
    private @Nullable ScheduledExecutorService executor;

    InboxCleaner(Inbox inbox, Duration retention) {
        this.inbox = inbox;
        this.retention = retention;
    }

    @Override
    public synchronized void start() {
        if (executor != null || retention.isZero()) {
            return;
        }
        ScheduledExecutorService started = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "outbox-inbox-cleaner");
            thread.setDaemon(true);
            return thread;
        });
        // Instances that were started together do not clean together.
        long first = ThreadLocalRandom.current().nextLong(INTERVAL.toMillis());
        var unused = started.scheduleWithFixedDelay(this::clean, first, INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
        executor = started;
    }

    @Override
    public synchronized void stop() {
        if (executor != null) {
            executor.shutdownNow();
            executor = null;
        }
    }

    @Override
    public synchronized boolean isRunning() {
        return executor != null;
    }

    void clean() {
        try {
            int removed = inbox.removeOlderThan(retention, ROWS_MAX);
            LOG.debug("Inbox cleaned: retention={}, removed={}", retention, removed);
        } catch (RuntimeException e) {
            LOG.warn("Inbox not cleaned: retention={}; trying again in {}", retention, INTERVAL, e);
        }
    }
}
