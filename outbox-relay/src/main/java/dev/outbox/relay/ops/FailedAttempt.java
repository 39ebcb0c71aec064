package dev.outbox.relay.ops;

import java.time.Instant;

/**
 * One failed attempt to publish a parked message: a row of {@code attempts(id)}.
 *
 * @param no counts from 1
 * @param relay who tried
 */
public record FailedAttempt(int no, Instant attemptedAt, String relay, String errorClass, String error) {}
