package dev.outbox;

import java.security.SecureRandom;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Makes the ids of messages: UUIDs of version 7, whose order is the order of their making.
 *
 * <p>RFC 9562, section 5.7, with the fixed-length counter of section 6.2 (method 1): 48 bits of milliseconds, a counter
 * of 12 bits that starts at zero in each millisecond, 62 random bits. Time and counter are one number that only grows:
 * an overflowing counter, or a clock that was set back, runs a little ahead of the clock instead of repeating.
 *
 * <p>Within one JVM every id is greater than the one before, also by {@link UUID#compareTo}, for any number of threads;
 * the price is one compare-and-set, no lock and no system call for randomness. The random bits are a keyed mix of time
 * and counter (the finaliser of SplitMix64, Steele, Lea and Flood 2014) whose keys come from {@link SecureRandom}: they
 * keep JVMs apart, and are no secret. An id is not a password.
 */
public final class UuidV7 {

    private static final UuidV7 SHARED = new UuidV7(System::currentTimeMillis, new SecureRandom());

    private static final int COUNTER_BITS = 12;
    private static final long VERSION = 0x7000L;
    private static final long VARIANT = 0x8000000000000000L;

    private final LongSupplier millis;
    private final long seed;
    private final long gamma;
    private final AtomicLong last = new AtomicLong();

    UuidV7(LongSupplier millis, SecureRandom random) {
        this.millis = millis;
        this.seed = random.nextLong();
        this.gamma = random.nextLong() | 1;
    }

    /** Returns the next id of this JVM. */
    public static UUID next() {
        return SHARED.generate();
    }

    UUID generate() {
        long now = millis.getAsLong() << COUNTER_BITS;
        long before;
        long tick;
        do {
            before = last.get();
            tick = Math.max(before + 1, now);
        } while (!last.compareAndSet(before, tick));
        long high = (tick >>> COUNTER_BITS << 16) | VERSION | (tick & 0xFFF);
        long low = VARIANT | (mix(seed + mix(tick * gamma)) >>> 2);
        return new UUID(high, low);
    }

    private static long mix(long value) {
        long mixed = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94d049bb133111ebL;
        return mixed ^ (mixed >>> 31);
    }
}
