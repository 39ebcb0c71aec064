package dev.outbox;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.util.concurrent.atomic.AtomicInteger;

/** Counts how often a prepared statement of a connection is executed. */
final class CountingConnection implements AutoCloseable {

    private final Connection proxy;
    private final AtomicInteger executions = new AtomicInteger();

    CountingConnection(Connection connection) {
        this.proxy = proxied(Connection.class, connection);
    }

    Connection proxy() {
        return proxy;
    }

    int executions() {
        return executions.get();
    }

    @Override
    public void close() {}

    private <T> T proxied(Class<T> type, T target) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, args) -> {
            if (method.getName().startsWith("execute")) {
                executions.incrementAndGet();
            }
            try {
                Object result = method.invoke(target, args);
                return result instanceof PreparedStatement statement
                        ? proxied(PreparedStatement.class, statement)
                        : result;
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        }));
    }
}
