package dev.outbox.testkit;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The command line of a Java program for {@link JavaProcess}.
 *
 * @param main {@code -cp <classpath> <class>} or {@code -jar <file>}, as arguments of {@code java}
 * @param jvmOptions options of the JVM, e.g. {@code -Xmx64m}
 * @param systemProperties system properties by name
 * @param arguments the program's arguments
 * @param environment environment variables added to this JVM's own
 * @param log where standard output and error go, appended; empty for a temporary file
 */
public record JavaCommand(
        List<String> main,
        List<String> jvmOptions,
        Map<String, String> systemProperties,
        List<String> arguments,
        Map<String, String> environment,
        Optional<Path> log) {

    /** Copies the collections. */
    public JavaCommand {
        main = List.copyOf(main);
        jvmOptions = List.copyOf(jvmOptions);
        systemProperties = Map.copyOf(systemProperties);
        arguments = List.copyOf(arguments);
        environment = Map.copyOf(environment);
    }

    /** A main class on this JVM's own classpath. */
    public static JavaCommand ofClass(String mainClass) {
        return ofClass(
                mainClass,
                Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                        .filter(entry -> !entry.isEmpty())
                        .map(Path::of)
                        .toList());
    }

    /** A main class on a given classpath. */
    public static JavaCommand ofClass(String mainClass, List<Path> classpath) {
        String joined = String.join(
                File.pathSeparator, classpath.stream().map(Path::toString).toList());
        return of(List.of("-cp", joined, mainClass));
    }

    /** A jar that names its main class. */
    public static JavaCommand ofJar(Path jar) {
        return of(List.of("-jar", jar.toAbsolutePath().toString()));
    }

    private static JavaCommand of(List<String> main) {
        return new JavaCommand(main, List.of(), Map.of(), List.of(), Map.of(), Optional.empty());
    }

    /** Replaces the options of the JVM. */
    public JavaCommand withJvmOptions(String... options) {
        return new JavaCommand(main, List.of(options), systemProperties, arguments, environment, log);
    }

    /** Adds a system property. */
    public JavaCommand withSystemProperty(String name, String value) {
        return new JavaCommand(main, jvmOptions, with(systemProperties, name, value), arguments, environment, log);
    }

    /** Replaces the program's arguments. */
    public JavaCommand withArguments(String... values) {
        return new JavaCommand(main, jvmOptions, systemProperties, List.of(values), environment, log);
    }

    /** Adds an environment variable. */
    public JavaCommand withEnvironment(String name, String value) {
        return new JavaCommand(main, jvmOptions, systemProperties, arguments, with(environment, name, value), log);
    }

    /** Sends the output to a file that is kept, e.g. under {@code target}. */
    public JavaCommand withLog(Path file) {
        return new JavaCommand(
                main, jvmOptions, systemProperties, arguments, environment, Optional.of(file.toAbsolutePath()));
    }

    /** The whole command line. */
    List<String> commandLine() {
        List<String> line = new ArrayList<>(List.of(javaProgram()));
        line.addAll(jvmOptions);
        systemProperties.forEach((name, value) -> line.add("-D" + name + "=" + value));
        line.addAll(main);
        line.addAll(arguments);
        return line;
    }

    /** The program that runs this JVM. */
    static String javaProgram() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    private static Map<String, String> with(Map<String, String> map, String name, String value) {
        Map<String, String> more = new TreeMap<>(map);
        more.put(name, value);
        return more;
    }
}
