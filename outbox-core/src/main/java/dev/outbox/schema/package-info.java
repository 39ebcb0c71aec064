/**
 * Creates and upgrades the tables of the outbox and the inbox.
 *
 * <p>Read {@link dev.outbox.schema.OutboxSchema}, the only type.
 *
 * <p>Invariant: each set of tables has a migration history of its own, inside its schema, so an application's own
 * migrations are never touched.
 */
@NullMarked
package dev.outbox.schema;

import org.jspecify.annotations.NullMarked;
