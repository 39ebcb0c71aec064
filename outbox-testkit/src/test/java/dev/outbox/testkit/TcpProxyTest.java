package dev.outbox.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TcpProxyTest {

    private static final int SHORT_MILLIS = 200;
    private static final int LONG_MILLIS = 60_000;

    private final BlockingQueue<Integer> received = new LinkedBlockingQueue<>();
    private ServerSocket echo;
    private TcpProxy proxy;
    private Socket client;

    @BeforeEach
    void connectThroughTheProxyToAnEchoServer() throws IOException {
        echo = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread thread = new Thread(this::serve);
        thread.setDaemon(true);
        thread.start();
        proxy = TcpProxy.to("127.0.0.1", echo.getLocalPort());
        client = new Socket(InetAddress.getLoopbackAddress(), proxy.port());
        assertThat(roundTrip(client, 1)).isEqualTo(1);
        received.clear();
    }

    @AfterEach
    void close() throws IOException {
        client.close();
        proxy.close();
        echo.close();
    }

    @Test
    void aFreezeHoldsBytesUntilResumed() throws IOException {
        proxy.freeze();
        client.getOutputStream().write(2);
        assertSilent();
        proxy.resume();
        assertThat(read(client, LONG_MILLIS)).isEqualTo(2);
    }

    @Test
    void aDelayHoldsBytesThatLongEachWay() throws IOException {
        proxy.delay(Duration.ofMillis(100));
        long begin = System.nanoTime();
        assertThat(roundTrip(client, 3)).isEqualTo(3);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThanOrEqualTo(Duration.ofMillis(200));
    }

    @Test
    void aBlackHoleLosesTheAnswerButNotTheRequest() throws Exception {
        proxy.blackHole(TcpProxy.Direction.TO_CLIENT);
        client.getOutputStream().write(4);
        assertThat(received.poll(LONG_MILLIS, TimeUnit.MILLISECONDS)).isEqualTo(4);
        // The server may write its answer a while after it has read the request.
        Await.until("the answer to be lost", Duration.ofMillis(LONG_MILLIS), proxy::hasLostBytes);
        assertSilent();
        proxy.resume();
        assertCut(client);
        assertThat(reconnected(5)).isEqualTo(5);
    }

    @Test
    void aBlackHoleLosesTheRequest() throws Exception {
        proxy.blackHole(TcpProxy.Direction.TO_SERVER);
        client.getOutputStream().write(4);
        assertSilent();
        assertThat(received).isEmpty();
    }

    @Test
    void aCutResetsConnectionsAndServesNewOnes() throws IOException {
        proxy.cut();
        assertCut(client);
        assertThat(reconnected(6)).isEqualTo(6);
    }

    @Test
    void refusesNewConnectionsUntilResumed() throws IOException {
        proxy.refuse();
        assertCut(client);
        assertThatThrownBy(() -> {
                    if (reconnected(7) < 0) {
                        throw new IOException("closed");
                    }
                })
                .isInstanceOf(IOException.class);
        proxy.resume();
        assertThat(reconnected(8)).isEqualTo(8);
    }

    private void serve() {
        try {
            while (true) {
                Socket socket = echo.accept();
                Thread thread = new Thread(() -> echo(socket));
                thread.setDaemon(true);
                thread.start();
            }
        } catch (IOException e) {
            // The test is over.
        }
    }

    private void echo(Socket socket) {
        try (socket;
                InputStream in = socket.getInputStream()) {
            for (int b = in.read(); b >= 0; b = in.read()) {
                received.add(b);
                socket.getOutputStream().write(b);
            }
        } catch (IOException e) {
            // The client is gone.
        }
    }

    private int reconnected(int value) throws IOException {
        try (Socket again = new Socket(InetAddress.getLoopbackAddress(), proxy.port())) {
            return roundTrip(again, value);
        }
    }

    private static int roundTrip(Socket socket, int value) throws IOException {
        socket.getOutputStream().write(value);
        return read(socket, LONG_MILLIS);
    }

    private static int read(Socket socket, int timeoutMillis) throws IOException {
        socket.setSoTimeout(timeoutMillis);
        return socket.getInputStream().read();
    }

    private void assertSilent() {
        assertThatThrownBy(() -> read(client, SHORT_MILLIS)).isInstanceOf(SocketTimeoutException.class);
    }

    private static void assertCut(Socket socket) {
        try {
            assertThat(read(socket, LONG_MILLIS)).isNegative();
        } catch (IOException e) {
            assertThat(e).isNotInstanceOf(SocketTimeoutException.class);
        }
    }
}
