/**
 * What operators do to an outbox, the same from every door: the command line, REST, the console.
 *
 * <p>Start with {@link dev.outbox.relay.ops.Operations}, which calls the functions of the schema; {@code Rebase} is for a database
 * that was restored. The invariant: an operation is one transaction, and with a reason if it changes something; a dry run tells
 * what it would do and changes nothing.
 */
@NullMarked
package dev.outbox.relay.ops;

import org.jspecify.annotations.NullMarked;
