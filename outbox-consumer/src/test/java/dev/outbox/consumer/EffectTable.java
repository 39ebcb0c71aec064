package dev.outbox.consumer;

import dev.outbox.inbox.Inbox;
import dev.outbox.inbox.InboxSettings;
import dev.outbox.schema.OutboxSchema;
import dev.outbox.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** A consumer's database: an inbox, and an empty table that shows every effect. */
public final class EffectTable {

    private final TestDatabase database;

    public EffectTable(TestDatabase database) {
        this.database = database;
        OutboxSchema.migrateInbox(database.dataSource(), "outbox");
        database.execute("DROP TABLE IF EXISTS effect");
        database.execute("CREATE TABLE effect (no bigint generated always as identity, event_id text NOT NULL)");
    }

    public Inbox inbox() {
        return Inbox.jdbc(database.dataSource(), InboxSettings.defaults());
    }

    /** The handler that most tests use. */
    public static void record(ReceivedEvent event, Connection connection) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO effect (event_id) VALUES (?)")) {
            insert.setString(1, event.id());
            insert.executeUpdate();
        }
    }

    /** The ids of the events that had an effect, in the order of the effects. */
    public List<String> effects() throws SQLException {
        try (Connection connection = database.connection();
                PreparedStatement select = connection.prepareStatement("SELECT event_id FROM effect ORDER BY no");
                ResultSet rows = select.executeQuery()) {
            List<String> ids = new ArrayList<>();
            while (rows.next()) {
                ids.add(rows.getString(1));
            }
            return ids;
        }
    }
}
