package dev.outbox.relay.cli;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/**
 * Stands between a client without TLS and PostgreSQL and passes everything on, but tells the client of another process than
 * the one that serves it, as poolers do.
 */
final class FakePooler implements AutoCloseable {

    private static final int BACKEND_KEY_DATA = 'K';

    private final ServerSocket listener;
    private final String host;
    private final int port;

    private FakePooler(ServerSocket listener, String host, int port) {
        this.listener = listener;
        this.host = host;
        this.port = port;
    }

    /** Serves one client after the other until it is closed. */
    static FakePooler before(String host, int port) throws IOException {
        FakePooler pooler = new FakePooler(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()), host, port);
        daemon(pooler::serve);
        return pooler;
    }

    int port() {
        return listener.getLocalPort();
    }

    private void serve() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                Socket server = new Socket(host, port);
                daemon(() -> pass(client, server));
                daemon(() -> answer(server, client));
            } catch (IOException e) {
                return; // closed, or a server that is gone: the test sees a connection that ends
            }
        }
    }

    private static void pass(Socket client, Socket server) {
        try (client;
                server;
                InputStream in = client.getInputStream();
                OutputStream out = server.getOutputStream()) {
            in.transferTo(out);
        } catch (IOException e) {
            return; // one side has hung up, and so both do
        }
    }

    private static void answer(Socket server, Socket client) {
        try (DataInputStream in = new DataInputStream(server.getInputStream());
                DataOutputStream out = new DataOutputStream(client.getOutputStream())) {
            while (true) {
                int type = in.readUnsignedByte();
                byte[] content = new byte[in.readInt() - Integer.BYTES];
                in.readFully(content);
                if (type == BACKEND_KEY_DATA) {
                    content[Integer.BYTES - 1]++;
                }
                out.writeByte(type);
                out.writeInt(content.length + Integer.BYTES);
                out.write(content);
                out.flush();
            }
        } catch (IOException e) {
            return; // one side has hung up
        }
    }

    private static void daemon(Runnable work) {
        Thread thread = new Thread(work, "fake-pooler");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
