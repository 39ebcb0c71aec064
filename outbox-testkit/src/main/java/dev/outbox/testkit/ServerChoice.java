package dev.outbox.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.testcontainers.DockerClientFactory;

/**
 * Chooses where a test's server comes from: an address in the environment, else Docker, else a native process. Each
 * way that was not taken leaves its reason for the error message.
 */
final class ServerChoice<S> {

    private static final Logger LOG = LoggerFactory.getLogger(ServerChoice.class);

    private final String kind;
    private final String variable;
    private final List<String> tried = new ArrayList<>();
    private @Nullable S server;

    /**
     * @param kind what is wanted, for messages
     * @param variable the environment variable (or system property) that may name a server
     */
    ServerChoice(String kind, String variable) {
        this.kind = kind;
        this.variable = variable;
    }

    /** The server named by the environment, unless {@code refusal} says why it does not serve. */
    ServerChoice<S> external(Optional<String> refusal, Function<String, S> connect) {
        String address = Settings.find(variable);
        if (address == null) {
            tried.add("address: " + variable + " is not set");
        } else if (refusal.isPresent()) {
            tried.add("address: " + variable + " is set but passed over, since the test asks for " + refusal.get());
        } else {
            take("the address in " + variable, () -> connect.apply(address));
        }
        return this;
    }

    /** A container, unless {@code refusal} says why it does not serve. */
    ServerChoice<S> docker(Optional<String> refusal, Supplier<S> start) {
        if (server == null) {
            if (refusal.isPresent()) {
                tried.add("Docker: passed over, since the test asks for " + refusal.get());
            } else if (!DockerClientFactory.instance().isDockerAvailable()) {
                tried.add("Docker: no engine can be reached (Testcontainers logs why)");
            } else {
                take("Docker", start);
            }
        }
        return this;
    }

    /** A process on this machine: the last way, so its failure is the error. */
    S nativeProcess(Supplier<S> start) {
        if (server != null) {
            return server;
        }
        try {
            LOG.debug("Starting {} natively", kind);
            return start.get();
        } catch (RuntimeException e) {
            throw new IllegalStateException(
                    "No " + kind + " server for this test. Tried: " + String.join("; ", tried) + "; native process: "
                            + e.getMessage() + "\nGet one by naming it in " + variable
                            + ", by starting a Docker engine, or by running on Linux (x86_64, aarch64).",
                    e);
        }
    }

    private void take(String where, Supplier<S> start) {
        LOG.info("Using {} from {}", kind, where);
        server = start.get();
    }
}
