/**
 * The runnable application: {@code java -jar outbox-relay-<version>-exec.jar}, or {@code outbox}, with a command.
 *
 * <p>Start with {@link dev.outbox.relay.cli.OutboxMain}; each command is a class here, or a function of one, and does its work
 * through the engine, {@code dev.outbox.relay.ops} or {@code dev.outbox.relay.doctor}. The invariant: what goes wrong ends in one
 * exit code, and in a text without a stack trace where the user can mend it.
 */
@NullMarked
package dev.outbox.relay.cli;

import org.jspecify.annotations.NullMarked;
