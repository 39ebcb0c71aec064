package dev.outbox.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OutboxServers.class)
class OutboxServersSecondIT {

    @Test
    void anotherClassHasADatabaseOfItsOwn(TestDatabase database) throws SQLException {
        assertThat(PostgresServerIT.query(database, "SELECT to_regclass('t') IS NULL"))
                .isEqualTo("t");
    }
}
