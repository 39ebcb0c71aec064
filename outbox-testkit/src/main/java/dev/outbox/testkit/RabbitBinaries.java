package dev.outbox.testkit;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The programs of RabbitMQ and Erlang: those installed on this machine, else Debian's, fetched once and unpacked into
 * the cache.
 *
 * @param scripts the directory of {@code rabbitmq-server} and {@code rabbitmqctl} themselves, not of Debian's wrappers,
 *     which insist on a user of their own
 * @param environment what they need to find Erlang
 */
record RabbitBinaries(Path scripts, Map<String, String> environment) {

    private static final Logger LOG = LoggerFactory.getLogger(RabbitBinaries.class);

    private static final Path OS_RELEASE = Path.of("/etc/os-release");
    private static final String INSTALLATIONS = "usr/lib/rabbitmq/lib";
    private static final Pattern WANTED = Pattern.compile("erlang-.*|libssl\\d.*");
    private static final Pattern FIXED_ROOT = Pattern.compile("ROOTDIR=\"?/usr/lib/erlang\"?");

    RabbitBinaries {
        environment = Map.copyOf(environment);
    }

    static RabbitBinaries find() {
        String path = Optional.ofNullable(System.getenv("PATH")).orElse("/usr/bin:/bin");
        return installed(Path.of("/"), path).orElseGet(() -> unpacked(path));
    }

    /** An installation under {@code root}, if Erlang is on the path, too. */
    static Optional<RabbitBinaries> installed(Path root, String path) {
        boolean erlang = Stream.of(path.split(File.pathSeparator, -1))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, "erl")));
        return erlang
                ? scripts(root).map(scripts -> new RabbitBinaries(scripts, Map.of("PATH", path)))
                : Optional.empty();
    }

    private static RabbitBinaries unpacked(String path) {
        Path root = Cache.entry("rabbitmq-" + platform(), RabbitBinaries::fetch);
        Path scripts =
                scripts(root).orElseThrow(() -> new IllegalStateException("No RabbitMQ in the cache: entry=" + root));
        Map<String, String> environment = new TreeMap<>();
        environment.put("PATH", root.resolve("usr/lib/erlang/bin") + File.pathSeparator + path);
        libraries(root).ifPresent(directory -> environment.put("LD_LIBRARY_PATH", directory.toString()));
        return new RabbitBinaries(scripts, environment);
    }

    private static void fetch(Path directory) throws IOException {
        long start = System.nanoTime();
        LOG.info("Fetching RabbitMQ and Erlang from the packages of {}, once: about 40 MB", platform());
        try {
            DebianPackages.unpack(
                    "rabbitmq-server", name -> WANTED.matcher(name).matches(), directory);
        } catch (IllegalStateException e) {
            throw new IllegalStateException(
                    "RabbitMQ is not installed, and its packages were not to be had from apt-get; install it with"
                            + " \"apt-get install rabbitmq-server\" or name a server. " + e.getMessage(),
                    e);
        }
        Path erlang = directory.resolve("usr/lib/erlang");
        makeMovable(erlang.resolve("bin/erl"), 2);
        for (Path runtime : matching(erlang, "erts-*")) {
            makeMovable(runtime.resolve("bin/erl"), 3);
        }
        LOG.info(
                "Fetched RabbitMQ: {} in {} ms",
                scripts(directory).map(Path::getParent).map(Path::getFileName).orElseThrow(),
                (System.nanoTime() - start) / 1_000_000);
    }

    /** Erlang's start script expects to be where it is installed; lets it look where it is: so many levels above. */
    static void makeMovable(Path erl, int levels) throws IOException {
        String script = Files.readString(erl);
        String root = "$(dirname \"".repeat(levels) + "$(readlink -f \"$0\")" + "\")".repeat(levels);
        String changed = FIXED_ROOT.matcher(script).replaceAll(Matcher.quoteReplacement("ROOTDIR=\"" + root + "\""));
        if (changed.equals(script)) {
            throw new IOException("Erlang's start script is not as expected: " + erl);
        }
        Files.writeString(erl, changed);
    }

    private static Optional<Path> scripts(Path root) {
        try {
            return matching(root.resolve(INSTALLATIONS), "rabbitmq_server-*").stream()
                    .map(installation -> installation.resolve("sbin"))
                    .filter(scripts -> Files.isExecutable(scripts.resolve("rabbitmq-server")))
                    .max(Comparator.naturalOrder());
        } catch (IOException e) {
            throw new UncheckedIOException("Not readable: " + root.resolve(INSTALLATIONS), e);
        }
    }

    /** Erlang's own need beyond what every Debian has. */
    private static Optional<Path> libraries(Path root) {
        try {
            for (Path directory : matching(root.resolve("usr/lib"), "*-linux-*")) {
                if (!matching(directory, "libcrypto.so.*").isEmpty()) {
                    return Optional.of(directory);
                }
            }
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException("Not readable: " + root, e);
        }
    }

    private static List<Path> matching(Path directory, String glob) throws IOException {
        List<Path> found = new ArrayList<>();
        if (Files.isDirectory(directory)) {
            try (var files = Files.newDirectoryStream(directory, glob)) {
                files.forEach(found::add);
            }
        }
        return found;
    }

    /** Names the system that the packages fit, e.g. {@code debian-bookworm-amd64}. */
    private static String platform() {
        return release("ID") + "-" + release("VERSION_CODENAME") + "-" + System.getProperty("os.arch");
    }

    private static String release(String key) {
        try (Stream<String> lines = Files.lines(OS_RELEASE)) {
            @Nullable
            String line = lines.filter(l -> l.startsWith(key + "=")).findFirst().orElse(null);
            return line == null ? "unknown" : line.substring(key.length() + 1).replaceAll("[^A-Za-z0-9.]", "");
        } catch (IOException e) {
            return "unknown";
        }
    }
}
