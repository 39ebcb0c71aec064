-- Who may do what: grants for those of the four roles of roles.sql that exist, and the pins of all functions before this.

-- Our functions and who may call them. The schema may hold those of an application too, which are left alone.
create function function_audience() returns table (name text, audience text)
  language sql immutable
  as $$
    select unnest(array['append', 'uuid_v7']), 'everybody'
    union all
    select unnest(array['message_status', 'why_stuck', 'find_messages', 'attempts', 'backlog', 'backlog_by_key']), 'reader'
    union all
    select unnest(array['show_message', 'retry', 'discard', 'replay', 'cancel_replay', 'pause', 'resume', 'rotate']), 'operator'
    union all
    select unnest(array[
      'lanes_multiple', 'on_one_line', 'quoted', 'utc', 'listed', 'cut_to_bytes', 'time_in', 'lane_of', 'is_covered', 'seq_at', 'locate', 'locate_all',
      'receipt', 'lane_in_words', 'parked_in_words', 'open_transactions_in_words', 'queue_in_words', 'absence_in_words',
      'filter_in_words', 'operator_in_words', 'actor', 'check_length', 'check_filter', 'check_reason', 'check_ids',
      'check_parked', 'check_parked_request', 'check_count', 'check_replay_request', 'matching_parked', 'replayable',
      'count_published', 'lock_operations', 'lock_parked', 'write_audit', 'set_paused', 'function_audience',
      'grant_roles']), 'owner'
  $$;

-- Gives each of the four roles what it needs, if it exists, and takes our functions from everybody else. roles.sql makes the
-- roles and calls this; so does this script, for roles that are there already.
create function grant_roles() returns void
  language plpgsql volatile
  set search_path from current
  as $$
  declare
    outbox constant text := quote_ident(current_schema());
    message_columns constant text := 'id, channel, topic, key, type, version, occurred_at, correlation_id, causation_id, source';
    f record;
    reader text;
  begin
    for f in
      select p.oid::regprocedure as signature, a.audience
      from function_audience() a
      join pg_proc p on p.proname = a.name and p.pronamespace = current_schema()::regnamespace
      where a.audience <> 'everybody'
    loop
      execute format('revoke all on function %s from public', f.signature);
      if f.audience = 'reader' and to_regrole('outbox_auditor') is not null then
        execute format('grant execute on function %s to outbox_auditor', f.signature);
      end if;
      if f.audience in ('reader', 'operator') and to_regrole('outbox_operator') is not null then
        execute format('grant execute on function %s to outbox_operator', f.signature);
      end if;
    end loop;

    -- From id on: nobody forges xid, seq or segment. The value of segment_seq is read by a default; USAGE would let rotate.
    if to_regrole('outbox_writer') is not null then
      execute format('grant usage on schema %s to outbox_writer', outbox);
      execute format('grant insert (%s, headers, payload, body, content_type) on message to outbox_writer', message_columns);
      grant usage on sequence message_seq to outbox_writer;
      grant select on sequence segment_seq to outbox_writer;
      grant execute on function uuid_v7() to outbox_writer;
      grant execute on function append(text, text, text, json, bytea, text, text, json, text, text, text, text, timestamptz, uuid)
        to outbox_writer;
    end if;

    -- What the statements of the relay need.
    if to_regrole('outbox_relay') is not null then
      execute format('grant usage on schema %s to outbox_relay', outbox);
      grant select on message to outbox_relay;
      grant select, truncate on message_0, message_1, message_2, message_3 to outbox_relay;
      grant usage on sequence segment_seq to outbox_relay;
      grant select, insert, update on lane, segment_log to outbox_relay;
      grant select, insert, delete on checkpoint, attempt to outbox_relay;
      grant select, insert, update, delete on relay, parked, replay_lane to outbox_relay;
      grant select, update, delete on replay to outbox_relay;
      grant select, delete on audit to outbox_relay;
    end if;

    -- Everything but payload, body and headers.
    foreach reader in array array['outbox_auditor', 'outbox_operator'] loop
      if to_regrole(reader) is not null then
        execute format('grant usage on schema %s to %I', outbox, reader);
        execute format('grant select (xid, seq, segment, %s, content_type) on message, message_0, message_1, message_2, message_3 to %I',
          message_columns, reader);
        execute format('grant select (seq, %s, content_type, generation, lane, state, reason, attempts, next_attempt_at,'
          || ' first_error_class, first_error, last_error_class, last_error, held_by, parked_at, resolved_at, resolution,'
          || ' resolved_by, broker_positions) on parked to %I', message_columns, reader);
        execute format('grant select on segment_log, relay, lane, checkpoint, attempt, replay, replay_lane, audit, lane_position,'
          || ' unpublished, fresh_horizon, pending, pending_by_key, lag, status, held_keys, receipts, versions_pending, replays to %I', reader);
        execute format('grant select on sequence message_seq, segment_seq to %I', reader);
      end if;
    end loop;
  end
  $$;

-- Pins what our functions see to this schema, whoever calls them: what was set while they were made has other schemas in it,
-- and a caller's temporary table would come first if pg_temp were not named last.
do $$
declare
  f record;
begin
  for f in
    select p.oid::regprocedure as signature
    from function_audience() a
    join pg_proc p on p.proname = a.name and p.pronamespace = current_schema()::regnamespace
    where exists (select from unnest(p.proconfig) c where c like 'search\_path=%')
  loop
    execute format('alter function %s set search_path = %I, pg_temp', f.signature, current_schema());
  end loop;
end
$$;

select grant_roles();
