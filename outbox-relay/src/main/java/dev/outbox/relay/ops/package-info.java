/**
 * What operators do to an outbox, the same from every door: the command line, REST, the console.
 *
 * <p>Start with {@link dev.outbox.relay.ops.Rebase}. The invariant: an operation is one transaction with a reason; a dry run
 * tells what it would do and changes nothing.
 */
@NullMarked
package dev.outbox.relay.ops;

import org.jspecify.annotations.NullMarked;
