package dev.outbox.relay.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.io.FileSystemResource;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;

/** Says which file could not be read, and where in it. The parser's own text has the line, which may hold a secret. */
final class UnreadableFile {

    private static final List<String> USUAL =
            List.of("config/application.yml", "config/application.yaml", "application.yml", "application.yaml");

    private UnreadableFile() {}

    static Problem problem(RuntimeException e, Optional<String> named) {
        if (!(e instanceof MarkedYAMLException parsing)) {
            return new Problem("configuration file", "", "cannot be read: " + e.getMessage());
        }
        Mark mark = parsing.getProblemMark();
        String origin = culprit(named).map(Path::toString).orElse("a YAML file")
                + (mark == null ? "" : ":" + (mark.getLine() + 1));
        return new Problem("configuration file", origin, "is not valid YAML: " + parsing.getProblem());
    }

    /** The parser is given a stream and does not know its name, so each file is tried again. */
    private static Optional<Path> culprit(Optional<String> named) {
        List<Path> files = new ArrayList<>();
        named.map(Path::of).ifPresent(files::add);
        USUAL.stream().map(Path::of).forEach(files::add);
        return files.stream()
                .filter(Files::exists)
                .filter(UnreadableFile::isBroken)
                .findFirst();
    }

    private static boolean isBroken(Path file) {
        try {
            List<?> unused = new YamlPropertySourceLoader().load("file", new FileSystemResource(file));
            return false;
        } catch (MarkedYAMLException e) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
