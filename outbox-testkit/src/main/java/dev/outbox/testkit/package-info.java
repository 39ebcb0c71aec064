/**
 * Real servers, processes and faults for tests of services that use Outbox.
 *
 * <p>Read {@link dev.outbox.testkit.OutboxServers} first: a test asks for a database, a Kafka server or a RabbitMQ
 * virtual host as a parameter. Tests that stop, kill or freeze things start their own
 * {@link dev.outbox.testkit.PostgresServer}, {@link dev.outbox.testkit.KafkaServer},
 * {@link dev.outbox.testkit.RabbitServer} or {@link dev.outbox.testkit.JavaProcess}.
 *
 * <p>Invariant: no process started here outlives the JVM that started it, however that JVM ends; and a server that
 * cannot be had is an error, never a skipped test.
 */
@NullMarked
package dev.outbox.testkit;

import org.jspecify.annotations.NullMarked;
