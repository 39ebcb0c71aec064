/**
 * Where the runnable relay gets its settings: loads them as Spring Boot does, and checks all of them before anything
 * starts.
 *
 * <p>Start with {@link dev.outbox.relay.config.Settings}; what there is to set is in {@code SettingTable}, and nowhere
 * else. The invariant: whoever holds a {@link dev.outbox.relay.config.RelayConfiguration} holds settings that were all
 * known, in range and without contradiction; and no secret is ever part of a text for people.
 */
@NullMarked
package dev.outbox.relay.config;

import org.jspecify.annotations.NullMarked;
