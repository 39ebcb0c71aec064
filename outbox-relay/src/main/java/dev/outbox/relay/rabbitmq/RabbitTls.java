package dev.outbox.relay.rabbitmq;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Optional;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * How a connection to RabbitMQ is encrypted. The server's certificate is always checked, and so is its host name.
 *
 * @param trustStore certificates to trust: a file of PEM certificates, or a PKCS#12 or JKS store; empty for those of the JVM
 * @param trustStorePassword of the store; empty for PEM
 * @param keyStore the client's own certificate and key, a PKCS#12 or JKS store; empty if the server asks for none
 * @param keyStorePassword of the store and its key
 */
public record RabbitTls(
        Optional<Path> trustStore, String trustStorePassword, Optional<Path> keyStore, String keyStorePassword) {

    /** Trusts what the JVM trusts, and shows no certificate. */
    public static RabbitTls ofJvm() {
        return new RabbitTls(Optional.empty(), "", Optional.empty(), "");
    }

    /** The same, trusting what is in a file. */
    public RabbitTls withTrustStore(Path file, String password) {
        return new RabbitTls(Optional.of(file), password, keyStore, keyStorePassword);
    }

    /** The same, showing the certificate in a file. */
    public RabbitTls withKeyStore(Path file, String password) {
        return new RabbitTls(trustStore, trustStorePassword, Optional.of(file), password);
    }

    /** @throws IllegalArgumentException if a file is not there or not what it should be */
    SSLContext context() {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keyManagers(), trustManagers(), null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("TLS cannot be set up: " + e.getMessage(), e);
        }
    }

    private TrustManager[] trustManagers() throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(trustStore.isEmpty() ? null : trusted(trustStore.get()));
        return factory.getTrustManagers();
    }

    private KeyStore trusted(Path file) throws GeneralSecurityException {
        if (!isPem(file)) {
            return store("trust store", file, trustStorePassword);
        }
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        try (InputStream in = Files.newInputStream(file)) {
            store.load(null, null);
            int number = 0;
            for (Certificate certificate :
                    CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry("trusted-" + number++, certificate);
            }
            return store;
        } catch (IOException e) {
            throw unreadable("trust store", file, e);
        }
    }

    private KeyManager[] keyManagers() throws GeneralSecurityException {
        if (keyStore.isEmpty()) {
            return new KeyManager[0];
        }
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store("key store", keyStore.get(), keyStorePassword), keyStorePassword.toCharArray());
        return factory.getKeyManagers();
    }

    private static KeyStore store(String what, Path file, String password) throws GeneralSecurityException {
        try {
            return KeyStore.getInstance(file.toFile(), password.toCharArray());
        } catch (IOException e) {
            throw unreadable(what, file, e);
        }
    }

    private static boolean isPem(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] start = in.readNBytes(64);
            return new String(start, java.nio.charset.StandardCharsets.US_ASCII).contains("-----BEGIN");
        } catch (IOException e) {
            throw unreadable("trust store", file, e);
        }
    }

    private static IllegalArgumentException unreadable(String what, Path file, IOException cause) {
        return new IllegalArgumentException(
                "The " + what + " cannot be read: file=" + file + ", error=" + cause + "; check path and password",
                cause);
    }

    /** Never shows a password. */
    @Override
    public String toString() {
        return "RabbitTls[trustStore=" + trustStore + ", keyStore=" + keyStore + "]";
    }
}
