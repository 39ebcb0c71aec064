package dev.outbox.testkit;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Free TCP ports of 127.0.0.1, from below the range that the kernel gives to outgoing connections: a server that is
 * down for a moment must find its port free when it comes back.
 */
final class Ports {

    private static final int LOWEST = 12_000;
    private static final int HIGHEST = 32_000;
    private static final int TRIES_MAX = 1_000;

    private static final Set<Integer> GIVEN = ConcurrentHashMap.newKeySet();

    /** A port nobody listens on, and that this JVM has not given before. */
    static int free() {
        for (int i = 0; i < TRIES_MAX; i++) {
            int port = ThreadLocalRandom.current().nextInt(LOWEST, HIGHEST);
            if (isFree(port) && GIVEN.add(port)) {
                return port;
            }
        }
        throw new IllegalStateException("No free port found: range=" + LOWEST + "-" + HIGHEST);
    }

    static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private Ports() {}
}
