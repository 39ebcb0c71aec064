/**
 * The demo: starts everything on this machine, lets orders go their way, and checks every figure that it prints.
 *
 * <p>Read {@code Demo} first.
 *
 * <p>Invariant: whatever is started here ends with this JVM, however that ends.
 */
@NullMarked
package dev.outbox.sample.demo;

import org.jspecify.annotations.NullMarked;
