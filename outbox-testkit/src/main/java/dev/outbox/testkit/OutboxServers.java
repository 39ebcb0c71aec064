package dev.outbox.testkit;

import java.util.Locale;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.StoreScope;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * The JUnit extension that gives tests their servers.
 *
 * <p>A test class, method or lifecycle method asks by parameter: {@link PostgresServer} and {@link KafkaServer} are
 * shared by all test classes of the JVM, started when first asked for and closed at its end; {@link TestDatabase} is a
 * fresh database of the test class, the same for all its methods and nested classes, dropped after it. Topics are
 * shared by name: take names from {@link KafkaServer#uniqueTopic}.
 *
 * <pre>{@code
 * @ExtendWith(OutboxServers.class)
 * class OrdersIT {
 *     @Test
 *     void appendsInTheTransaction(TestDatabase database, KafkaServer kafka) { ... }
 * }
 * }</pre>
 *
 * <p>A test must not stop or kill a shared server: it starts its own.
 */
public final class OutboxServers implements ParameterResolver {

    private static final Namespace NAMESPACE = Namespace.create(OutboxServers.class);
    private static final Set<Class<?>> TYPES = Set.of(PostgresServer.class, KafkaServer.class, TestDatabase.class);
    private static final int NAME_LENGTH_MAX = 40;

    /** For JUnit. */
    public OutboxServers() {}

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return TYPES.contains(parameter.getParameter().getType());
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        if (type == PostgresServer.class) {
            return postgres(context);
        }
        if (type == KafkaServer.class) {
            return shared(context, KafkaServer.class, KafkaServer::start);
        }
        ExtensionContext testClass = outermostClass(context);
        return testClass
                .getStore(NAMESPACE)
                .computeIfAbsent(
                        TestDatabase.class,
                        key -> postgres(context).createDatabase(databaseName(testClass.getRequiredTestClass())),
                        TestDatabase.class);
    }

    private static PostgresServer postgres(ExtensionContext context) {
        return shared(context, PostgresServer.class, PostgresServer::start);
    }

    private static <S> S shared(ExtensionContext context, Class<S> type, Supplier<S> start) {
        return context.getStore(StoreScope.LAUNCHER_SESSION, NAMESPACE).computeIfAbsent(type, key -> start.get(), type);
    }

    /** The context of the top-level test class: nested classes share its database. */
    private static ExtensionContext outermostClass(ExtensionContext context) {
        ExtensionContext outermost = context;
        for (ExtensionContext c = context;
                c.getTestClass().isPresent();
                c = c.getParent().orElseThrow()) {
            outermost = c;
        }
        return outermost;
    }

    static String databaseName(Class<?> testClass) {
        String words = testClass
                .getSimpleName()
                .replaceAll("([a-z0-9])([A-Z])", "$1_$2")
                .toLowerCase(Locale.ROOT)
                .replaceAll("[^a-z0-9_]", "_");
        return words.substring(0, Math.min(words.length(), NAME_LENGTH_MAX)) + "_" + Names.random();
    }
}
