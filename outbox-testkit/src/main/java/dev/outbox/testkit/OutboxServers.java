package dev.outbox.testkit;

import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.StoreScope;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * The JUnit extension that gives tests their servers.
 *
 * <p>A test class, method or lifecycle method asks by parameter: {@link PostgresServer}, {@link KafkaServer} and
 * {@link RabbitServer} are shared by all test classes of the JVM, started when first asked for and closed at its end;
 * {@link TestDatabase} and {@link RabbitVirtualHost} are of the test class, the same for all its methods and nested
 * classes, fresh before it and dropped after it. Topics are shared by name: take names from
 * {@link KafkaServer#uniqueTopic}.
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
    private static final Set<Class<?>> TYPES = Set.of(
            PostgresServer.class, KafkaServer.class, RabbitServer.class, TestDatabase.class, RabbitVirtualHost.class);
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
        if (type == RabbitServer.class) {
            return rabbit(context);
        }
        if (type == RabbitVirtualHost.class) {
            return ofClass(
                    context, RabbitVirtualHost.class, name -> rabbit(context).createVirtualHost(name));
        }
        return ofClass(context, TestDatabase.class, name -> postgres(context).createDatabase(name));
    }

    private static <T> T ofClass(ExtensionContext context, Class<T> type, Function<String, T> make) {
        ExtensionContext testClass = outermostClass(context);
        return testClass
                .getStore(NAMESPACE)
                .computeIfAbsent(type, key -> make.apply(nameFor(testClass.getRequiredTestClass())), type);
    }

    private static RabbitServer rabbit(ExtensionContext context) {
        return shared(context, RabbitServer.class, RabbitServer::start);
    }

    private static PostgresServer postgres(ExtensionContext context) {
        return shared(context, PostgresServer.class, PostgresServer::start);
    }

    private static <S> S shared(ExtensionContext context, Class<S> type, Supplier<S> start) {
        return context.getStore(StoreScope.LAUNCHER_SESSION, NAMESPACE).computeIfAbsent(type, key -> start.get(), type);
    }

    /** The context of the top-level test class: nested classes share what it has. */
    private static ExtensionContext outermostClass(ExtensionContext context) {
        ExtensionContext outermost = context;
        for (ExtensionContext c = context;
                c.getTestClass().isPresent();
                c = c.getParent().orElseThrow()) {
            outermost = c;
        }
        return outermost;
    }

    static String nameFor(Class<?> testClass) {
        String words = testClass
                .getSimpleName()
                .replaceAll("([a-z0-9])([A-Z])", "$1_$2")
                .toLowerCase(Locale.ROOT)
                .replaceAll("[^a-z0-9_]", "_");
        return words.substring(0, Math.min(words.length(), NAME_LENGTH_MAX)) + "_" + Names.random();
    }
}
