package dev.outbox.testkit;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A TCP proxy on 127.0.0.1 that does to connections what bad networks do.
 *
 * <p>For PostgreSQL and RabbitMQ put it in front of the server's port; for Kafka the server must also advertise it:
 *
 * <pre>{@code
 * TcpProxy proxy = TcpProxy.open();
 * KafkaOptions options = KafkaOptions.defaults().withPort(29092).withAdvertisedPort(proxy.port());
 * KafkaServer kafka = KafkaServer.start(options);
 * proxy.forwardTo("127.0.0.1", 29092);
 * }</pre>
 *
 * <p>Faults hold for connections open now and later, until {@link #resume}. Safe for use by many threads.
 */
public final class TcpProxy implements AutoCloseable {

    /** Which way bytes go. */
    public enum Direction {
        /** What clients send. */
        TO_SERVER,
        /** What the server answers: losing it loses acknowledgements. */
        TO_CLIENT
    }

    private static final int BUFFER_BYTES = 64 * 1024;
    private static final int CONNECT_TIMEOUT_MILLIS = 10_000;

    private final ServerSocket listener;
    private final Set<Link> links = ConcurrentHashMap.newKeySet();
    private final Object lock = new Object();

    // All below is guarded by lock.
    private @Nullable InetSocketAddress target;
    private @Nullable Direction discarded;
    private boolean frozen;
    private boolean refusing;
    private Duration delay = Duration.ZERO;

    private TcpProxy(ServerSocket listener) {
        this.listener = listener;
    }

    /** A proxy on a free port that closes every connection until {@link #forwardTo} names the server. */
    public static TcpProxy open() {
        try {
            ServerSocket listener = new ServerSocket();
            listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            TcpProxy proxy = new TcpProxy(listener);
            daemon("accept", proxy::accept);
            return proxy;
        } catch (IOException e) {
            throw new UncheckedIOException("Proxy not opened", e);
        }
    }

    /** A proxy on a free port in front of a server. */
    public static TcpProxy to(String host, int port) {
        TcpProxy proxy = open();
        proxy.forwardTo(host, port);
        return proxy;
    }

    /** Names the server for connections made from now on. */
    public void forwardTo(String host, int port) {
        synchronized (lock) {
            target = new InetSocketAddress(host, port);
        }
    }

    /** The port it listens on. */
    public int port() {
        return listener.getLocalPort();
    }

    /** Connections open at the moment. */
    public int connections() {
        return links.size();
    }

    /** Whether a connection that is open has lost bytes, and so is cut at the next {@link #resume}. */
    boolean hasLostBytes() {
        return links.stream().anyMatch(link -> link.lostBytes);
    }

    /** Nothing goes through any more, either way; connections stay open and new ones are accepted. */
    public void freeze() {
        change(() -> frozen = true);
    }

    /** Each piece of at most 64 KiB is held that long in each direction, one after another: throughput falls too. */
    public void delay(Duration duration) {
        change(() -> delay = duration);
    }

    /** What goes that way is read and thrown away; connections that lost bytes are cut at {@link #resume}. */
    public void blackHole(Direction direction) {
        change(() -> discarded = direction);
    }

    /** Resets all connections open now; new ones are served. */
    public void cut() {
        links.forEach(Link::reset);
    }

    /** Resets all connections, and every new one at once. */
    public void refuse() {
        change(() -> refusing = true);
        cut();
    }

    /** Ends every fault; bytes held by a freeze go on. */
    public void resume() {
        change(() -> {
            frozen = false;
            refusing = false;
            discarded = null;
            delay = Duration.ZERO;
        });
        links.stream().filter(link -> link.lostBytes).forEach(Link::reset);
    }

    /** Cuts all connections and stops listening. */
    @Override
    public void close() {
        closeQuietly(listener);
        change(() -> {
            frozen = false;
            refusing = true;
            delay = Duration.ZERO;
        });
        cut();
    }

    private void change(Runnable what) {
        synchronized (lock) {
            what.run();
            lock.notifyAll();
        }
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                daemon("connect", () -> connect(client));
            } catch (IOException e) {
                // The listener was closed, or a client was gone before it was accepted.
            }
        }
    }

    private void connect(Socket client) {
        Socket server = new Socket();
        Link link = new Link(client, server);
        try {
            InetSocketAddress address;
            synchronized (lock) {
                address = refusing ? null : target;
            }
            if (address == null) {
                link.reset();
                return;
            }
            server.connect(address, CONNECT_TIMEOUT_MILLIS);
            client.setTcpNoDelay(true);
            server.setTcpNoDelay(true);
        } catch (IOException e) {
            link.reset();
            return;
        }
        links.add(link);
        daemon("to server", () -> pump(link, client, server, Direction.TO_SERVER));
        daemon("to client", () -> pump(link, server, client, Direction.TO_CLIENT));
        synchronized (lock) {
            if (!refusing) {
                return;
            }
        }
        link.reset();
    }

    private void pump(Link link, Socket from, Socket to, Direction direction) {
        byte[] buffer = new byte[BUFFER_BYTES];
        try (link) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                if (passes(link, direction)) {
                    out.write(buffer, 0, n);
                }
            }
        } catch (IOException e) {
            // One end is gone; the other is told by closing it.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Holds bytes while frozen or delayed; false when they are to be thrown away. */
    private boolean passes(Link link, Direction direction) throws InterruptedException {
        synchronized (lock) {
            long due = System.nanoTime() + delay.toNanos();
            for (long left = due - System.nanoTime(); frozen || left > 0; left = due - System.nanoTime()) {
                if (frozen) {
                    lock.wait();
                } else {
                    lock.wait(left / 1_000_000, (int) (left % 1_000_000));
                }
            }
            if (discarded != direction) {
                return true;
            }
            // Under the lock: who resumes must find it, or the connection would live on with a hole in it.
            link.lostBytes = true;
            return false;
        }
    }

    private static void daemon(String what, Runnable work) {
        Thread thread = new Thread(work, "tcp-proxy " + what);
        thread.setDaemon(true);
        thread.start();
    }

    private static void closeQuietly(Closeable closeable) {
        try {
            closeable.close();
        } catch (IOException e) {
            // Closed either way.
        }
    }

    /** A client's connection and the one to the server. */
    private final class Link implements Closeable {
        private final Socket client;
        private final Socket server;
        private volatile boolean lostBytes;

        private Link(Socket client, Socket server) {
            this.client = client;
            this.server = server;
        }

        /** Closes with a reset instead of an orderly end. */
        private void reset() {
            for (Socket socket : new Socket[] {client, server}) {
                try {
                    socket.setSoLinger(true, 0);
                } catch (IOException e) {
                    // Closed already.
                }
            }
            close();
        }

        @Override
        public void close() {
            links.remove(this);
            closeQuietly(client);
            closeQuietly(server);
        }
    }
}
