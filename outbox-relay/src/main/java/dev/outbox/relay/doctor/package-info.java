/**
 * What {@code outbox doctor} looks at: whether a relay could work with a database and its brokers, and what is not as it
 * should be there.
 *
 * <p>Start with {@link dev.outbox.relay.doctor.Doctor}. The invariant: looking changes nothing.
 */
@NullMarked
package dev.outbox.relay.doctor;

import org.jspecify.annotations.NullMarked;
