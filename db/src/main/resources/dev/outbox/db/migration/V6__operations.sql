-- What operators may do: functions, the same from psql, the command line, REST and the console. Whatever changes something demands
-- a reason, has a dry run, refuses in one line with a hint, and leaves a row in audit. What refuses says so by SQLSTATE:
-- OB001 an argument, OB002 nothing matches, OB003 the state does not allow it, OB004 too many, OB005 somebody else is at it.

-- Everything an operator did.
create table audit (
  id           bigint      generated always as identity,
  at           timestamptz not null default clock_timestamp(),
  operator     text        not null,
  on_behalf_of text        null,
  operation    text        not null,
  reason       text        not null,
  arguments    jsonb       not null,
  matched      bigint      not null,
  changed      bigint      not null,
  constraint audit_pk primary key (id),
  constraint audit_on_behalf_of_length check (octet_length(on_behalf_of) between 1 and 255),
  constraint audit_operation_length check (octet_length(operation) between 1 and 63),
  constraint audit_reason_length check (octet_length(reason) between 1 and 2000),
  constraint audit_counts_range check (matched >= 0 and changed between 0 and matched)
);

-- The newest are read, the oldest go.
create index audit_at on audit (at);

---------------------------------------------------------------------------------------------------------------------------
-- What every change has in common
---------------------------------------------------------------------------------------------------------------------------

create function check_length(argument text, given text, bytes_max integer) returns void
  language plpgsql immutable
  as $$
  begin
    if octet_length(given) not between 1 and bytes_max then
      raise exception using errcode = 'OB001',
        message = format('%s has %s bytes', argument, octet_length(given)),
        hint = format('Give 1 to %s bytes.', bytes_max);
    end if;
  end
  $$;

create function check_filter(channel text, topic text, key text, type text) returns void
  language plpgsql stable
  set search_path from current
  as $$
  begin
    perform check_length('channel', channel, 63);
    perform check_length('topic', topic, 249);
    perform check_length('key', key, 1024);
    perform check_length('type', type, 255);
  end
  $$;

create function check_reason(reason text) returns void
  language plpgsql stable
  set search_path from current
  as $$
  begin
    if reason is null or reason !~ '[^[:space:]]' then
      raise exception using errcode = 'OB001', message = 'no reason was given',
        hint = 'Say why: reason => ''...''; it is kept in audit.';
    end if;
    perform check_length('reason', reason, 2000);
  end
  $$;

-- At most 10,000 ids, none of them null.
create function check_ids(ids uuid[]) returns void
  language plpgsql stable
  as $$
  begin
    if cardinality(ids) not between 1 and 10000 or array_ndims(ids) > 1 then
      raise exception using errcode = 'OB001', message = format('%s ids were given', cardinality(ids)),
        hint = 'Give a list of 1 to 10000 ids.';
    end if;
    if array_position(ids, null) is not null then
      raise exception using errcode = 'OB001', message = 'an id is null', hint = 'Give ids of messages.';
    end if;
  end
  $$;

-- On whose behalf a program acts: what it says itself, beside the role that it logged in as.
create function actor() returns text
  language plpgsql stable
  set search_path from current
  as $$
  declare
    given text := nullif(current_setting('outbox.actor', true), '');
  begin
    perform check_length('outbox.actor', given, 255);
    return given;
  end
  $$;

create function operator_in_words() returns text
  language sql stable
  set search_path from current
  as $$ select cut_to_bytes(on_one_line(coalesce(actor() || ' as ', '') || session_user), 255) $$;

-- One operator at a time: who comes while another is at it waits a moment (lock_timeout of the caller) and is told.
create function lock_operations() returns void
  language plpgsql volatile
  set search_path from current
  as $$
  declare
    lock_id constant bigint := hashtextextended(current_schema() || '.operation', 0);
    other text;
  begin
    perform pg_advisory_xact_lock(lock_id);
  exception
    when lock_not_available then
      select string_agg(format('pid %s (application %s, role %s)', a.pid, quoted(a.application_name), a.usename), ', ')
      into other
      from pg_locks l
      join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'advisory' and l.granted and l.objsubid = 1
        and l.database = (select d.oid from pg_database d where d.datname = current_database())
        and (l.classid::bigint << 32) | l.objid::bigint = lock_id;
      raise exception using errcode = 'OB005',
        message = format('another operation is under way: %s', coalesce(other, 'it has just ended')),
        hint = 'Try again when its transaction has ended.';
  end
  $$;

-- In the order of seq, as everybody does.
create function lock_parked(seqs bigint[]) returns void
  language plpgsql volatile
  set search_path from current
  as $$
  begin
    perform from parked k where k.seq = any (seqs) order by k.seq for update;
  exception
    when lock_not_available then
      raise exception using errcode = 'OB005', message = 'a relay has one of these messages in hand',
        hint = 'Try again in a moment.';
  end
  $$;

create function write_audit(operation text, reason text, arguments jsonb, matched bigint, changed bigint) returns void
  language sql volatile
  set search_path from current
  as $$
    insert into audit (operator, on_behalf_of, operation, reason, arguments, matched, changed)
    values (session_user, actor(), write_audit.operation, write_audit.reason, jsonb_strip_nulls(write_audit.arguments),
      write_audit.matched, write_audit.changed)
  $$;

-- A filter for people.
create function filter_in_words(arguments jsonb) returns text
  language sql immutable
  set search_path from current
  as $$
    select coalesce(string_agg(
      a.key || ' ' || case when jsonb_typeof(a.value) = 'array' then jsonb_array_length(a.value) || ' given'
        else quoted(a.value #>> '{}') end, ', '), 'everything')
    from jsonb_each(jsonb_strip_nulls(arguments)) a
  $$;

-- Which ids an operation on parked messages cannot be meant for, as an error that names them.
create function check_parked(ids uuid[]) returns void
  language plpgsql stable
  set search_path from current
  as $$
  #variable_conflict use_column
  declare
    others uuid[];
    unknown uuid[];
    states text;
  begin
    select array_agg(distinct i.id) into others
    from unnest(ids) i (id)
    where not exists (select from parked k where k.id = i.id and k.resolved_at is null);
    if others is null then
      return;
    end if;
    select array_agg(s.id) filter (where s.status = 'UNKNOWN'),
      string_agg(format('%s is %s%s', s.id, lower(s.status), coalesce(' since ' || utc(s.since), '')), ', ' order by s.seq)
        filter (where s.status <> 'UNKNOWN')
    into unknown, states
    from unnest(others[1:5]) i (id)
    cross join lateral message_status(i.id) s;
    if unknown is not null then
      raise exception using errcode = 'OB002', message = format('there is no message %s', listed(unknown)),
        hint = 'why_stuck tells where it was looked for, and who may still commit it.';
    end if;
    raise exception using errcode = 'OB003', message = format('not parked: %s', states),
      hint = 'Only messages that could not be published are retried or discarded; published ones are replayed.';
  end
  $$;

-- The parked messages that a filter matches and that are not resolved.
create function matching_parked(
  ids uuid[], channel text, topic text, key text, type text, error_class text, state text
) returns table (seq bigint, id uuid, state text, held_by bigint)
  language sql stable
  set search_path from current
  as $$
    select k.seq, k.id, k.state, k.held_by
    from parked k
    where k.resolved_at is null
      and (matching_parked.ids is null or k.id = any (matching_parked.ids))
      and (matching_parked.channel is null or k.channel = matching_parked.channel)
      and (matching_parked.topic is null or k.topic = matching_parked.topic)
      and (matching_parked.key is null or k.key = matching_parked.key)
      and (matching_parked.type is null or k.type = matching_parked.type)
      and (matching_parked.error_class is null or k.last_error_class = matching_parked.error_class)
      and (matching_parked.state is null or k.state = matching_parked.state)
  $$;

create function check_parked_request(
  ids uuid[], channel text, topic text, key text, type text, error_class text, state text, all_parked boolean, reason text,
  max_rows integer
) returns void
  language plpgsql stable
  set search_path from current
  as $$
  begin
    perform check_reason(reason);
    perform check_filter(channel, topic, key, type);
    perform check_length('error_class', error_class, 255);
    perform check_ids(ids);
    if state not in ('WAITING', 'RETRYING', 'HELD', 'DEAD') then
      raise exception using errcode = 'OB001', message = format('state is %s', quoted(state)),
        hint = 'Give WAITING, RETRYING, HELD or DEAD.';
    end if;
    if max_rows is null or max_rows not between 1 and 100000 then
      raise exception using errcode = 'OB001', message = format('max_rows is %s', coalesce(max_rows::text, 'null')),
        hint = 'Give 1 to 100000.';
    end if;
    if all_parked is not true and num_nonnulls(ids, channel, topic, key, type, error_class, state) = 0 then
      raise exception using errcode = 'OB001', message = 'the filter is empty',
        hint = 'Say which messages are meant, or all_parked => true (--all) for every parked one.';
    end if;
    perform check_parked(ids);
  end
  $$;

create function check_count(matched bigint, max_rows integer, arguments jsonb) returns void
  language plpgsql stable
  set search_path from current
  as $$
  begin
    if matched = 0 then
      raise exception using errcode = 'OB002', message = format('nothing matches: %s', filter_in_words(arguments)),
        hint = 'The views held_keys and pending_by_key show what is there.';
    end if;
    if matched > max_rows then
      raise exception using errcode = 'OB004',
        message = format('%s messages match, max_rows is %s', matched, max_rows),
        hint = 'Narrow the filter, or allow more with max_rows (at most 100000).';
    end if;
  end
  $$;

---------------------------------------------------------------------------------------------------------------------------
-- Changes. A dry run (and a null counts as one) goes through the same checks, changes nothing and answers changed 0.
---------------------------------------------------------------------------------------------------------------------------

-- Has messages that were refused tried again at once, by the owner of their lane. Those that wait for a topic are tried all
-- the time anyway, and those held behind another follow it by themselves.
create function retry(
  ids uuid[] default null, channel text default null, topic text default null, key text default null,
  type text default null, error_class text default null, all_parked boolean default false, reason text default null,
  dry_run boolean default false, max_rows integer default 1000
) returns table (matched bigint, changed bigint)
  language plpgsql volatile security definer
  set search_path from current
  set lock_timeout = '2s'
  as $$
  #variable_conflict use_column
  declare
    arguments jsonb := jsonb_build_object('ids', to_jsonb(retry.ids), 'channel', retry.channel, 'topic', retry.topic,
      'key', retry.key, 'type', retry.type, 'error_class', retry.error_class);
    refused bigint[];
    waiting bigint;
    held uuid[];
    heads uuid[];
  begin
    perform check_parked_request(retry.ids, retry.channel, retry.topic, retry.key, retry.type, retry.error_class, null,
      retry.all_parked, retry.reason, retry.max_rows);
    if retry.dry_run is false then
      perform lock_operations();
    end if;
    select coalesce(array_agg(k.seq) filter (where k.state in ('DEAD', 'RETRYING')), '{}'),
      count(*) filter (where k.state = 'WAITING'),
      array_agg(k.id order by k.seq) filter (where k.state = 'HELD'),
      array_agg(distinct h.id) filter (where k.state = 'HELD' and h.resolved_at is null)
    into refused, waiting, held, heads
    from matching_parked(retry.ids, retry.channel, retry.topic, retry.key, retry.type, retry.error_class, null) k
    left join parked h on h.seq = k.held_by;
    matched := cardinality(refused) + waiting;
    changed := 0;
    if held is not null and (retry.ids is not null or matched = 0) then
      raise exception using errcode = 'OB003',
        message = format('held behind another message of its key: %s', listed(held)),
        hint = coalesce('Retry or discard what they wait for: ' || listed(heads),
          'What they waited for is resolved; the owner of the lane publishes them.');
    end if;
    perform check_count(matched, retry.max_rows, arguments);
    if waiting > 0 then
      raise notice '% messages wait for their topic, which is tried all the time: they go out by themselves', waiting;
    end if;
    if retry.dry_run is false then
      perform lock_parked(refused);
      update parked k
      set state = 'RETRYING', next_attempt_at = clock_timestamp()
      where k.seq = any (refused) and k.state in ('DEAD', 'RETRYING');
      get diagnostics changed = row_count;
      perform write_audit('retry', retry.reason, arguments, matched, changed);
    end if;
    return next;
  end
  $$;

-- Gives parked messages up for good, whichever their state. What was held behind one goes out in order.
create function discard(
  ids uuid[] default null, channel text default null, topic text default null, key text default null,
  type text default null, error_class text default null, all_parked boolean default false, reason text default null,
  dry_run boolean default false, max_rows integer default 1000, state text default null
) returns table (matched bigint, changed bigint)
  language plpgsql volatile security definer
  set search_path from current
  set lock_timeout = '2s'
  as $$
  #variable_conflict use_column
  declare
    arguments jsonb := jsonb_build_object('ids', to_jsonb(discard.ids), 'channel', discard.channel,
      'topic', discard.topic, 'key', discard.key, 'type', discard.type, 'error_class', discard.error_class,
      'state', discard.state);
    seqs bigint[];
  begin
    perform check_parked_request(discard.ids, discard.channel, discard.topic, discard.key, discard.type,
      discard.error_class, discard.state, discard.all_parked, discard.reason, discard.max_rows);
    if discard.dry_run is false then
      perform lock_operations();
    end if;
    select coalesce(array_agg(k.seq), '{}') into seqs
    from matching_parked(discard.ids, discard.channel, discard.topic, discard.key, discard.type, discard.error_class,
      discard.state) k;
    matched := cardinality(seqs);
    changed := 0;
    perform check_count(matched, discard.max_rows, arguments);
    if discard.dry_run is false then
      perform lock_parked(seqs);
      update parked k
      set state = 'RESOLVED', resolution = cut_to_bytes('discarded: ' || discard.reason, 2000),
        resolved_at = clock_timestamp(), resolved_by = operator_in_words(), next_attempt_at = null
      where k.seq = any (seqs) and k.resolved_at is null;
      get diagnostics changed = row_count;
      perform write_audit('discard', discard.reason, arguments, matched, changed);
    end if;
    return next;
  end
  $$;

-- Where messages are: a few are looked for one by one, many in one reading of everything.
create function locate_all(ids uuid[]) returns table (id uuid, seq bigint)
  language plpgsql stable
  set search_path from current
  as $$
  #variable_conflict use_column
  declare
    single_max constant integer := 10;
  begin
    if cardinality(ids) <= single_max then
      return query
        select i.id, locate(i.id)
        from (select distinct u.id from unnest(ids) u (id)) i;
    else
      return query
        select i.id, max(m.seq)
        from (select distinct u.id from unnest(ids) u (id)) i
        left join message m on m.id = i.id
        group by i.id;
    end if;
  end
  $$;

-- What becomes of each id if it is replayed: PUBLISHED is, all others are not.
create function replayable(ids uuid[]) returns table (id uuid, channel text, status text)
  language sql stable
  set search_path from current
  as $$
    select w.id, coalesce(m.channel, k.channel),
      case
        when k.resolved_at is null and k.seq is not null then k.state
        when m.seq is null and k.seq is null then 'UNKNOWN'
        when m.seq is null then 'REMOVED'
        when k.resolution like 'discarded%' then 'DISCARDED'
        when p.lane is null then 'NO LANES'
        when is_covered(m.xid, m.seq, p.snapshot, p.window_snapshot, p.page_seq) then 'PUBLISHED'
        else 'PENDING'
      end
    from locate_all(ids) w
    left join message m on m.seq = w.seq
    left join lateral (
      select q.seq, q.channel, q.state, q.resolved_at, q.resolution
      from parked q
      where q.id = w.id
      order by q.resolved_at is null desc, q.seq desc
      limit 1
    ) k on true
    left join lane_position p on p.channel = m.channel and p.lane = lane_of(m.key, m.seq, p.lanes)
  $$;

-- How many published messages a filter matches, and between which seq they are. What is parked and not resolved was not
-- published, nor was what was discarded.
create function count_published(
  ids uuid[], channel text, topic text, key text, type text, since timestamptz, until timestamptz,
  out matched bigint, out first_seq bigint, out last_seq bigint
)
  language plpgsql stable
  set search_path from current
  set jit = off
  as $$
  #variable_conflict use_column
  declare
    wanted bigint[];
  begin
    if count_published.ids is not null then
      select array_agg(w.seq) into wanted from locate_all(count_published.ids) w;
    end if;
    select count(*), min(m.seq), max(m.seq) into matched, first_seq, last_seq
    from message m
    left join unnest(wanted) w (seq) on w.seq = m.seq
    join lane_position p on p.channel = m.channel and p.lane = lane_of(m.key, m.seq, p.lanes)
    where m.channel = count_published.channel
      and (wanted is null or w.seq is not null)
      and (count_published.topic is null or m.topic = count_published.topic)
      and (count_published.key is null or m.key = count_published.key)
      and (count_published.type is null or m.type = count_published.type)
      and (count_published.since is null or m.occurred_at >= count_published.since)
      and (count_published.until is null or m.occurred_at < count_published.until)
      and is_covered(m.xid, m.seq, p.snapshot, p.window_snapshot, p.page_seq)
      and not exists (
        select from parked k
        where k.seq = m.seq and (k.resolved_at is null or k.resolution like 'discarded%'));
  end
  $$;

create function check_replay_request(
  ids uuid[], channel text, topic text, key text, type text, since timestamptz, until timestamptz, all_messages boolean,
  to_topic text, rate integer, reason text
) returns void
  language plpgsql stable
  set search_path from current
  as $$
  #variable_conflict use_variable
  declare
    removed_until timestamptz;
    wrong record;
  begin
    perform check_reason(reason);
    perform check_filter(channel, topic, key, type);
    perform check_length('to_topic', to_topic, 249);
    perform check_ids(ids);
    if rate is null or rate not between 1 and 1000000 then
      raise exception using errcode = 'OB001', message = format('rate is %s', coalesce(rate::text, 'null')),
        hint = 'Give 1 to 1000000 messages a second.';
    end if;
    if since >= until then
      raise exception using errcode = 'OB001', message = format('since %s is not before until %s', utc(since), utc(until)),
        hint = 'since is the first moment that is meant, until the first that is not any more.';
    end if;
    if channel is null then
      raise exception using errcode = 'OB001', message = 'no channel was given', hint = 'Give channel => ''default''.';
    end if;
    if not exists (select from lane l where l.channel = check_replay_request.channel) then
      raise exception using errcode = 'OB002', message = format('channel %s has no lanes', quoted(channel)),
        hint = 'No relay has ever served it, so nothing of it was published; the view status shows the channels.';
    end if;
    if all_messages is not true and num_nonnulls(ids, topic, key, type, since, until) = 0 then
      raise exception using errcode = 'OB001', message = 'the filter is empty',
        hint = 'Say which messages are meant, or all_messages => true (--all) for everything of the channel.';
    end if;
    select max(l.closed_at) into removed_until from segment_log l where l.truncated_at is not null;
    if since < removed_until then
      raise exception using errcode = 'OB003',
        message = format('messages from before %s have been removed by retention', utc(removed_until)),
        hint = format('Ask for since => ''%s'', or leave since out to get what is left.', utc(removed_until));
    end if;
    if ids is not null then
      select array_agg(r.id) filter (where r.status = 'UNKNOWN') as unknown,
        array_agg(r.id) filter (where r.status = 'REMOVED') as removed,
        array_agg(r.id) filter (where r.channel <> check_replay_request.channel) as elsewhere,
        array_agg(r.id) filter (where r.status not in ('UNKNOWN', 'REMOVED', 'PUBLISHED')) as unpublished,
        min(lower(r.status)) filter (where r.status not in ('UNKNOWN', 'REMOVED', 'PUBLISHED')) as status
      into wrong
      from replayable(ids) r;
      if wrong.unknown is not null then
        raise exception using errcode = 'OB002',
          message = format('there is no message %s, or retention has removed it', listed(wrong.unknown)),
          hint = 'why_stuck tells which.';
      end if;
      if wrong.elsewhere is not null then
        raise exception using errcode = 'OB002',
          message = format('not in channel %s: %s', quoted(channel), listed(wrong.elsewhere)),
          hint = 'Give the channel of the messages; message_status tells it.';
      end if;
      if wrong.unpublished is not null then
        raise exception using errcode = 'OB003',
          message = format('not published, but %s: %s', wrong.status, listed(wrong.unpublished)),
          hint = 'What is pending goes out by itself; what is parked is retried or discarded.';
      end if;
      if wrong.removed is not null then
        raise exception using errcode = 'OB003',
          message = format('removed by retention: %s', listed(wrong.removed)),
          hint = 'Only messages that are still in the ring can be replayed.';
      end if;
    end if;
  end
  $$;

-- Asks for messages that were published to be published once more, by the owners of their lanes, in order and marked. Only
-- what is still in the ring, and neither parked nor pending.
create function replay(
  ids uuid[] default null, channel text default 'default', topic text default null, key text default null,
  type text default null, since timestamptz default null, until timestamptz default null,
  all_messages boolean default false, to_topic text default null, rate integer default 1000, reason text default null,
  dry_run boolean default false
) returns table (replay_id uuid, matched bigint)
  language plpgsql volatile security definer
  set search_path from current
  set lock_timeout = '2s'
  as $$
  #variable_conflict use_column
  declare
    arguments jsonb := jsonb_build_object('ids', to_jsonb(replay.ids), 'channel', replay.channel, 'topic', replay.topic,
      'key', replay.key, 'type', replay.type, 'since', replay.since, 'until', replay.until, 'to_topic', replay.to_topic,
      'rate', replay.rate);
    first_seq bigint;
    last_seq bigint;
    running uuid;
  begin
    perform check_replay_request(replay.ids, replay.channel, replay.topic, replay.key, replay.type, replay.since,
      replay.until, replay.all_messages, replay.to_topic, replay.rate, replay.reason);
    if replay.dry_run is false then
      perform lock_operations();
      select r.id into running
      from replay r
      where r.state = 'RUNNING' and r.channel = replay.channel
        and (r.ids, r.topic, r.key, r.type, r.since, r.until, r.to_topic) is not distinct from
          (replay.ids, replay.topic, replay.key, replay.type, replay.since, replay.until, replay.to_topic)
      limit 1;
      if found then
        raise exception using errcode = 'OB003', message = format('the same replay is running: %s', running),
          hint = 'The view replays shows how far it is; cancel_replay ends it.';
      end if;
    end if;
    select c.matched, c.first_seq, c.last_seq into matched, first_seq, last_seq
    from count_published(replay.ids, replay.channel, replay.topic, replay.key, replay.type, replay.since,
      replay.until) c;
    if matched = 0 then
      raise exception using errcode = 'OB002', message = format('nothing matches: %s', filter_in_words(arguments - 'to_topic' - 'rate')),
        hint = 'find_messages shows what is still there; what is pending or parked is not replayed.';
    end if;
    if replay.dry_run is false then
      insert into replay as r (channel, ids, topic, key, type, since, until, first_seq, last_seq, to_topic, rate, matched,
        requested_by, reason)
      values (replay.channel, replay.ids, replay.topic, replay.key, replay.type, replay.since, replay.until, first_seq,
        last_seq, replay.to_topic, replay.rate, matched, operator_in_words(), replay.reason)
      returning r.id into replay_id;
      perform write_audit('replay', replay.reason, arguments || jsonb_build_object('replay_id', replay_id), matched,
        matched);
    end if;
    return next;
  end
  $$;

-- Ends a replay where it is; what has been published by it stays published.
create function cancel_replay(replay_id uuid, reason text, dry_run boolean default false)
  returns table (matched bigint, changed bigint)
  language plpgsql volatile security definer
  set search_path from current
  set lock_timeout = '2s'
  as $$
  #variable_conflict use_column
  declare
    r record;
  begin
    perform check_reason(cancel_replay.reason);
    if cancel_replay.dry_run is false then
      perform lock_operations();
    end if;
    select p.state, p.finished_at into r from replay p where p.id = cancel_replay.replay_id;
    if not found then
      raise exception using errcode = 'OB002',
        message = format('there is no replay %s', coalesce(cancel_replay.replay_id::text, 'null')),
        hint = 'The view replays shows them.';
    end if;
    if r.state <> 'RUNNING' then
      raise exception using errcode = 'OB003',
        message = format('replay %s is %s since %s', cancel_replay.replay_id, lower(r.state), utc(r.finished_at)),
        hint = 'Only a running replay can be cancelled.';
    end if;
    matched := 1;
    changed := 0;
    if cancel_replay.dry_run is false then
      update replay p
      set state = 'CANCELLED', finished_at = clock_timestamp()
      where p.id = cancel_replay.replay_id and p.state = 'RUNNING';
      get diagnostics changed = row_count;
      perform write_audit('cancel_replay', cancel_replay.reason,
        jsonb_build_object('replay_id', cancel_replay.replay_id), matched, changed);
    end if;
    return next;
  end
  $$;

-- Pauses or resumes the lanes of a channel, or one of them.
create function set_paused(
  pausing boolean, channel text, lane integer, reason text, dry_run boolean, out matched bigint, out changed bigint
)
  language plpgsql volatile
  set search_path from current
  as $$
  #variable_conflict use_column
  declare
    chosen smallint[];
    paused record;
  begin
    perform check_reason(set_paused.reason);
    if set_paused.channel is null then
      raise exception using errcode = 'OB001', message = 'no channel was given', hint = 'Give channel => ''default''.';
    end if;
    perform check_filter(set_paused.channel, null, null, null);
    if set_paused.dry_run is false then
      perform lock_operations();
    end if;
    select array_agg(p.lane) into chosen
    from lane_position p
    where p.channel = set_paused.channel and (set_paused.lane is null or p.lane = set_paused.lane);
    if chosen is null then
      raise exception using errcode = 'OB002',
        message = format('there is no lane %s', quoted(set_paused.channel || coalesce('/' || set_paused.lane, ''))),
        hint = 'The view status shows the channels and their lanes.';
    end if;
    select count(l.paused_at) as lanes, max(l.paused_at) as since, max(l.paused_by) as operator, max(l.pause_reason) as reason
    into paused
    from lane l
    join lane_position p on p.channel = l.channel and p.generation = l.generation and p.lane = l.lane
    where l.channel = set_paused.channel and l.lane = any (chosen);
    matched := cardinality(chosen);
    changed := 0;
    if pausing and paused.lanes = matched then
      raise exception using errcode = 'OB003',
        message = format('paused already, since %s by %s: %s', utc(paused.since), coalesce(paused.operator, 'an operator'),
          quoted(paused.reason)),
        hint = 'resume lets the lanes go on.';
    elsif not pausing and paused.lanes = 0 then
      raise exception using errcode = 'OB003',
        message = format('not paused: %s', quoted(set_paused.channel || coalesce('/' || set_paused.lane, ''))),
        hint = 'The view status shows which lanes are.';
    end if;
    if set_paused.dry_run is false then
      begin
        perform from lane l where l.channel = set_paused.channel and l.lane = any (chosen)
        order by l.generation, l.lane
        for update;
      exception
        when lock_not_available then
          raise exception using errcode = 'OB005', message = 'another transaction has locked these lanes',
            hint = 'Try again in a moment.';
      end;
      update lane l
      set paused_at = case when pausing then clock_timestamp() end,
        pause_reason = case when pausing then set_paused.reason end,
        paused_by = case when pausing then operator_in_words() end
      from lane_position p
      where p.channel = l.channel and p.generation = l.generation and p.lane = l.lane
        and l.channel = set_paused.channel and l.lane = any (chosen) and (l.paused_at is null) = pausing;
      get diagnostics changed = row_count;
      perform write_audit(case when pausing then 'pause' else 'resume' end, set_paused.reason,
        jsonb_build_object('channel', set_paused.channel, 'lane', set_paused.lane), matched, changed);
    end if;
  end
  $$;

-- Has the relays give the lanes of a channel back, or one of them, and leave them alone until resume.
create function pause(channel text, lane integer default null, reason text default null, dry_run boolean default false)
  returns table (matched bigint, changed bigint)
  language sql volatile security definer
  set search_path from current
  set lock_timeout = '2s'
  as $$ select s.matched, s.changed from set_paused(true, pause.channel, pause.lane, pause.reason, pause.dry_run) s $$;

-- Lets the lanes of a channel go on, or one of them.
create function resume(channel text, lane integer default null, reason text default null, dry_run boolean default false)
  returns table (matched bigint, changed bigint)
  language sql volatile security definer
  set search_path from current
  set lock_timeout = '2s'
  as $$ select s.matched, s.changed from set_paused(false, resume.channel, resume.lane, resume.reason, resume.dry_run) s $$;

-- Has writers use the next segment from now on; nobody waits. Only into an empty one, as the relay does it.
create function rotate(reason text default null, dry_run boolean default false)
  returns table (from_segment integer, to_segment integer)
  language plpgsql volatile security definer
  set search_path from current
  set lock_timeout = '2s'
  as $$
  declare
    number bigint;
    filled boolean;
  begin
    perform check_reason(rotate.reason);
    if rotate.dry_run is false then
      perform lock_operations();
    end if;
    number := pg_sequence_last_value('segment_seq'::regclass);
    from_segment := number % 4;
    to_segment := (number + 1) % 4;
    filled := case to_segment
      when 0 then exists (select from message_0)
      when 1 then exists (select from message_1)
      when 2 then exists (select from message_2)
      else exists (select from message_3)
    end;
    if filled then
      raise exception using errcode = 'OB003', message = format('segment %s, which is next, is not empty', to_segment),
        hint = 'It is truncated once it is past retention and all of it is published; segment_log shows since when it is closed.';
    end if;
    if rotate.dry_run is false then
      number := nextval('segment_seq');
      from_segment := (number + 3) % 4;
      to_segment := number % 4;
      update segment_log l set closed_at = clock_timestamp() where l.closed_at is null and l.no < number;
      insert into segment_log (no, segment) values (number, number % 4) on conflict (no) do nothing;
      perform write_audit('rotate', rotate.reason,
        jsonb_build_object('from_segment', from_segment, 'to_segment', to_segment), 1, 1);
    end if;
    return next;
  end
  $$;
