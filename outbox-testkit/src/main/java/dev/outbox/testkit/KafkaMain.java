package dev.outbox.testkit;

import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The main class of the server's own JVM: formats the storage if it is new, then runs the server. One JVM instead of
 * two halves the time of a first start. By reflection, since the server is not on the classpath of this module.
 */
final class KafkaMain {

    /** Arguments: the properties file, the log directory, the cluster id. */
    public static void main(String[] args) throws ReflectiveOperationException {
        String properties = args[0];
        if (!Files.exists(Path.of(args[1], "meta.properties"))) {
            String[] format = {"format", "-t", args[2], "-c", properties};
            int code = (Integer) Class.forName("kafka.tools.StorageTool")
                    .getMethod("execute", String[].class, PrintStream.class)
                    .invoke(null, format, System.out);
            if (code != 0) {
                throw new IllegalStateException("Storage not formatted: directory=" + args[1] + ", code=" + code);
            }
        }
        Class.forName("kafka.Kafka").getMethod("main", String[].class).invoke(null, (Object) new String[] {properties});
    }

    private KafkaMain() {}
}
