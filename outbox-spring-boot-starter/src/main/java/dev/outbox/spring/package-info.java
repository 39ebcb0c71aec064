/**
 * The outbox and the inbox in a Spring Boot application: beans that join Spring's transactions, and the schema brought
 * up to date at the start.
 *
 * <p>Read {@link dev.outbox.spring.OutboxAutoConfiguration} first; the settings are in
 * {@link dev.outbox.spring.OutboxProperties}.
 *
 * <p>Invariant: an append goes to the connection that the current transaction manager will commit, or is refused.
 */
@NullMarked
package dev.outbox.spring;

import org.jspecify.annotations.NullMarked;
