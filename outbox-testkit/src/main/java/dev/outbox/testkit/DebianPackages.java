package dev.outbox.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Programs out of the packages of a Debian (or Ubuntu), unpacked without being installed: no root is needed, and the
 * machine's own package state is read at most. Where packages come from, and whom to trust, is what the machine's
 * {@code apt} is set up for.
 */
final class DebianPackages {

    private static final Duration UPDATE_TIMEOUT = Duration.ofMinutes(4);
    private static final Duration DOWNLOAD_TIMEOUT = Duration.ofMinutes(5);
    private static final Duration LOCAL_TIMEOUT = Duration.ofMinutes(2);
    private static final int COMPLAINTS_MAX = 10;
    private static final Pattern CHOSEN = Pattern.compile("^Inst (\\S+) ", Pattern.MULTILINE);
    private static final Map<String, String> PLAIN_ENGLISH = Map.of("LC_ALL", "C");

    private final Path work;

    private DebianPackages(Path work) {
        this.work = work;
    }

    /**
     * Unpacks a package and those of its dependencies that are wanted. The machine's package lists serve if they can;
     * else new ones are fetched, for this once.
     *
     * @param root the package's name
     * @param wanted says of a dependency's name whether it is needed
     * @param directory where {@code usr} and the rest will be
     * @throws IllegalStateException if there is no {@code apt-get}, no network or no such package
     */
    static void unpack(String root, Predicate<String> wanted, Path directory) throws IOException {
        Path work = Files.createTempDirectory(directory, ".apt-");
        try {
            new DebianPackages(work).fetch(root, wanted);
            for (Path archive : archives(work)) {
                Errand.run(
                        "unpack " + archive.getFileName(),
                        List.of("dpkg-deb", "-x", archive.toString(), directory.toString()),
                        PLAIN_ENGLISH,
                        work,
                        LOCAL_TIMEOUT);
            }
        } finally {
            Directories.remove(work);
        }
    }

    private void fetch(String root, Predicate<String> wanted) throws IOException {
        Files.createDirectories(work.resolve("lists/partial"));
        Files.createDirectories(work.resolve("cache/archives/partial"));
        // As on a machine where nothing is installed, so that the list of dependencies is whole.
        Files.createFile(work.resolve("status"));
        try {
            download(root, wanted, List.of());
        } catch (IllegalStateException stale) {
            List<String> ownLists = List.of("-o", "Dir::State::lists=" + work.resolve("lists"));
            // Succeeds even when no list could be fetched; what it says tells why the package is not found then.
            String update = apt("fetch package lists", UPDATE_TIMEOUT, ownLists, List.of("update"));
            try {
                download(root, wanted, ownLists);
            } catch (IllegalStateException e) {
                throw new IllegalStateException(
                        e.getMessage() + "\nafter fetching package lists:\n" + complaints(update), e);
            }
        }
    }

    private static String complaints(String output) {
        return output.lines()
                .filter(line -> line.startsWith("W: ") || line.startsWith("E: "))
                .limit(COMPLAINTS_MAX)
                .collect(Collectors.joining("\n"));
    }

    private void download(String root, Predicate<String> wanted, List<String> lists) {
        String plan = apt(
                "find package " + root,
                LOCAL_TIMEOUT,
                lists,
                List.of("--simulate", "--no-install-recommends", "install", root));
        List<String> names = CHOSEN.matcher(plan)
                .results()
                .map(found -> found.group(1))
                .filter(name -> name.equals(root) || wanted.test(name))
                .toList();
        apt(
                "download " + names.size() + " packages for " + root,
                DOWNLOAD_TIMEOUT,
                lists,
                Stream.concat(Stream.of("download"), names.stream()).toList());
    }

    private String apt(String what, Duration timeout, List<String> lists, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(
                "apt-get",
                "-q",
                "-o",
                "Dir::State::status=" + work.resolve("status"),
                "-o",
                "Dir::Cache=" + work.resolve("cache"),
                "-o",
                "Debug::NoLocking=1",
                // Root would hand the fetching to a user who cannot reach this directory.
                "-o",
                "APT::Sandbox::User=root",
                "-o",
                "Acquire::Languages=none",
                "-o",
                "Acquire::Retries=2",
                "-o",
                "Acquire::http::Timeout=20",
                "-o",
                "Acquire::https::Timeout=20"));
        command.addAll(lists);
        command.addAll(arguments);
        return Errand.run(what, command, PLAIN_ENGLISH, work, timeout);
    }

    private static List<Path> archives(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.toString().endsWith(".deb")).toList();
        }
    }
}
