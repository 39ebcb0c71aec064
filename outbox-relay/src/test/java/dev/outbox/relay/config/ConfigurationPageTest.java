package dev.outbox.relay.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ConfigurationPageTest {

    private static final Path PAGE = Path.of("..", "docs", "configuration.md");
    private static final String COMMAND =
            "mvn test -pl outbox-relay -am -Dtest=ConfigurationPageTest -Dsurefire.failIfNoSpecifiedTests=false -Dregenerate";

    @Test
    void theReferenceSaysWhatTheTableSays() throws IOException {
        String expected = ConfigurationPage.text(COMMAND);
        if (System.getProperty("regenerate") != null) {
            Files.createDirectories(PAGE.resolveSibling(""));
            Files.writeString(PAGE, expected);
        }
        assertThat(Files.exists(PAGE) ? Files.readString(PAGE) : "")
                .as("docs/configuration.md is out of date; write it anew with: " + COMMAND)
                .isEqualTo(expected);
    }
}
