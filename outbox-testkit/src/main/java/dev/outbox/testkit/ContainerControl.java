package dev.outbox.testkit;

import com.github.dockerjava.api.DockerClient;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.testcontainers.containers.GenericContainer;

/** A server in a Docker container, controlled through the engine so that its data outlive a stop. */
final class ContainerControl implements ServerControl {

    private static final Duration START_TIMEOUT = Duration.ofMinutes(2);
    private static final Duration STOP_TIMEOUT = Duration.ofMinutes(1);

    private final GenericContainer<?> container;
    private final BooleanSupplier ready;

    /**
     * @param container running, with fixed host ports
     * @param ready whether the server answers
     */
    ContainerControl(GenericContainer<?> container, BooleanSupplier ready) {
        this.container = container;
        this.ready = ready;
    }

    @Override
    public void start() {
        client().startContainerCmd(container.getContainerId()).exec();
        Await.until("container to answer: " + Containers.describe(container), START_TIMEOUT, ready);
    }

    @Override
    public void stop() {
        client().stopContainerCmd(container.getContainerId())
                .withTimeout((int) STOP_TIMEOUT.toSeconds())
                .exec();
    }

    @Override
    public void kill() {
        client().killContainerCmd(container.getContainerId()).exec();
        Await.until("container to end: " + Containers.describe(container), STOP_TIMEOUT, () -> !isRunning());
    }

    @Override
    public void suspend() {
        client().pauseContainerCmd(container.getContainerId()).exec();
    }

    @Override
    public void resume() {
        client().unpauseContainerCmd(container.getContainerId()).exec();
    }

    @Override
    public long pid() {
        throw new UnsupportedOperationException("A container's process is not one of this machine's: "
                + Containers.describe(container) + "; ask for a native server with asNativeOnly()");
    }

    @Override
    public boolean isRunning() {
        return Boolean.TRUE.equals(client().inspectContainerCmd(container.getContainerId())
                .exec()
                .getState()
                .getRunning());
    }

    @Override
    public void close() {
        container.close();
    }

    private DockerClient client() {
        return container.getDockerClient();
    }
}
