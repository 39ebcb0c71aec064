package dev.outbox.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OutboxServers.class)
class OutboxServersIT {

    @BeforeAll
    static void makesATable(TestDatabase database) {
        database.execute("CREATE TABLE t AS SELECT 1 AS i");
    }

    @Test
    void methodsSeeTheDatabaseOfTheirClass(TestDatabase database, PostgresServer server) throws SQLException {
        assertThat(database.name()).startsWith("outbox_servers_it_");
        assertThat(database.server()).isSameAs(server);
        assertThat(PostgresServerIT.query(database, "SELECT i FROM t")).isEqualTo("1");
    }

    @Test
    void topicsHaveNamesOfTheirOwn(KafkaServer server) {
        String topic = KafkaServer.uniqueTopic("orders");
        server.createTopic(topic, 1, Map.of());
        server.deleteTopic(topic);
        assertThat(topic).isNotEqualTo(KafkaServer.uniqueTopic("orders"));
    }

    @Nested
    class Inside {
        @Test
        void nestedClassesShareIt(TestDatabase database) throws SQLException {
            assertThat(PostgresServerIT.query(database, "SELECT i FROM t")).isEqualTo("1");
        }
    }
}
