package dev.outbox.relay;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps what a listener throws away from the relay: metrics that fail must not stop messages. */
final class GuardedListener {

    private static final Logger log = LoggerFactory.getLogger(Relay.class);

    private GuardedListener() {}

    static RelayListener around(RelayListener listener) {
        return (RelayListener) Proxy.newProxyInstance(
                RelayListener.class.getClassLoader(), new Class<?>[] {RelayListener.class}, (proxy, event, facts) -> {
                    try {
                        return event.invoke(listener, facts);
                    } catch (InvocationTargetException e) {
                        log.error("Listener failed, the relay goes on: event={}", event.getName(), e.getCause());
                        return null;
                    }
                });
    }
}
