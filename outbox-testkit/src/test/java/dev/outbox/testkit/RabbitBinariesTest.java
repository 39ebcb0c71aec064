package dev.outbox.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RabbitBinariesTest {

    @TempDir
    Path root;

    @Test
    void anInstallationIsUsedIfErlangIsOnThePath() throws IOException {
        Path scripts = program("usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8/sbin/rabbitmq-server");
        Path erlang = program("opt/erlang/erl");
        String path = root.resolve("usr/bin") + ":" + erlang;
        assertThat(RabbitBinaries.installed(root, path)).hasValue(new RabbitBinaries(scripts, Map.of("PATH", path)));
        assertThat(RabbitBinaries.installed(root, root.resolve("usr/bin").toString()))
                .isEmpty();
        assertThat(RabbitBinaries.installed(root.resolve("opt"), path)).isEmpty();
    }

    @Test
    void erlangsScriptLooksForItsRootWhereItIs() throws Exception {
        Path script = program("moved/bin/erl").resolve("erl");
        Files.writeString(script, "#!/bin/sh\nROOTDIR=/usr/lib/erlang\necho $ROOTDIR\n");
        RabbitBinaries.makeMovable(script, 2);
        Path link = Files.createSymbolicLink(root.resolve("erl"), script);
        String printed = Errand.run(
                "find the root", java.util.List.of(link.toString()), Map.of(), root, java.time.Duration.ofSeconds(30));
        assertThat(Path.of(printed.strip())).isEqualTo(root.toRealPath().resolve("moved"));
    }

    /** Makes it and gives its directory. */
    private Path program(String name) throws IOException {
        Path file = root.resolve(name);
        Path directory = Files.createDirectories(file.resolve("..").normalize());
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        return directory;
    }
}
