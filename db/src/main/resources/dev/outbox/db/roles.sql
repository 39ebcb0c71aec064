-- The four roles of an outbox, and what each may do. Not a migration: roles belong to the whole server, and not everybody may
-- make them. Run it as a role that owns the outbox's tables and may create roles, with search_path on the schema:
--   PGOPTIONS=-csearch_path=outbox psql -f roles.sql
-- It may be run again at any time. The roles cannot log in; make those that do members of one:
--   grant outbox_writer to order_service
--
-- outbox_writer    appends messages, and can neither read, change nor number one
-- outbox_relay     publishes them: what the relay's statements need, and no table of the business
-- outbox_auditor   reads everything but payload, body and headers
-- outbox_operator  the same, and retries, discards, replays, pauses, rotates and shows a message whole
do $$
declare
  missing text;
begin
  foreach missing in array array['outbox_writer', 'outbox_relay', 'outbox_auditor', 'outbox_operator'] loop
    if to_regrole(missing) is null then
      begin
        execute format('create role %I nologin', missing);
      exception
        when duplicate_object or unique_violation then null; -- Somebody else has just made it.
      end;
    end if;
  end loop;
end
$$;

select grant_roles();
