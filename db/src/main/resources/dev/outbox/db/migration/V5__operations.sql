-- What people and programs may ask and do: views and functions, the same from psql, the command line, REST and the console.
-- Reads change nothing and show no payload (but show_message). Whatever changes something demands a reason, has a dry run,
-- refuses in one line with a hint, and leaves a row in audit. What refuses says so by SQLSTATE:
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

-- Who paused a lane; the reason and the time are there already.
alter table lane
  add column paused_by text null,
  add constraint lane_paused_by_length check (octet_length(paused_by) <= 255);

---------------------------------------------------------------------------------------------------------------------------
-- Views
---------------------------------------------------------------------------------------------------------------------------

-- How far each lane in force is. Nothing is visible in 1:1: so that a lane without a checkpoint has everything still to do.
create view lane_position as
  select l.channel, l.generation, l.lane, l.lanes, c.no, coalesce(c.snapshot, '1:1:') as snapshot, c.window_snapshot,
    c.page_seq, coalesce(c.published, 0) as published, coalesce(c.order_exceptions, 0) as order_exceptions, c.made_at
  from lane l
  left join lateral (
    select no, snapshot, window_snapshot, page_seq, published, order_exceptions, made_at
    from checkpoint c
    where c.channel = l.channel and c.generation = l.generation and c.lane = l.lane
    order by no desc
    limit 1
  ) c on true
  where l.generation = (select max(generation) from lane g where g.channel = l.channel);

-- What is committed and neither published nor parked, of channels that have lanes. Each row is read once, from the oldest
-- position of all lanes on, and then each is judged by its own lane's, which its place in the arrays is.
create view unpublished as
  with position as (
    select * from lane_position
  ), division as (
    select channel, lanes, array_agg(pg_snapshot_xmax(snapshot) order by lane) as xmaxs,
      array_agg(snapshot order by lane) as snapshots, array_agg(coalesce(page_seq, -1) order by lane) as pages,
      array_agg(window_snapshot order by lane) as windows
    from position
    group by channel, lanes
  ), horizon as (
    select pg_snapshot_xmax(snapshot) as xmax from position order by 1 limit 1
  )
  select xid, seq, id, channel, place - 1 as lane, topic, key, type, version, occurred_at
  from (
    select w.*, d.xmaxs, d.snapshots, d.pages, d.windows,
      1 + ((coalesce(hashtextextended(w.key, 0), w.seq) & 9223372036854775807) % d.lanes)::integer as place
    from (
      -- Two index conditions: with OR in one the whole index would be read. The upper bound, which excludes nothing, lets
      -- the planner, who has no statistics of these tables, expect a small part of the index instead of a third.
      select xid, seq, id, channel, topic, key, type, version, occurred_at
      from message
      where xid >= (select xmax from horizon) and xid <= '18446744073709551615'
      union all
      select xid, seq, id, channel, topic, key, type, version, occurred_at
      from message
      where xid = any (array(select pg_snapshot_xip(snapshot) from position)) and xid < (select xmax from horizon)
    ) w
    join division d on d.channel = w.channel
  ) m
  where (xid >= xmaxs[place] or not pg_visible_in_snapshot(xid, snapshots[place]))
    and (seq > pages[place] or not pg_visible_in_snapshot(xid, windows[place]));

-- The same, and what belongs to channels that no relay ever served: those have no lane, and finding them reads everything.
create or replace view pending as
  select seq, id, channel, lane::smallint as lane, topic, key, type, occurred_at, clock_timestamp() - occurred_at as age,
    version
  from unpublished
  union all
  select seq, id, channel, null, topic, key, type, occurred_at, clock_timestamp() - occurred_at, version
  from message m
  where not exists (select from lane l where l.channel = m.channel);

-- From here on no lane has published anything, so that what is there need not be looked at one by one.
create view fresh_horizon as
  select pg_snapshot_xmax(coalesce(window_snapshot, snapshot)) as xmax from lane_position order by 1 desc limit 1;

-- How much each lane has to do. A function, and not a view, because it has the way laid down that the planner, without
-- statistics, would not take: half a second instead of three for 1,000,000 messages.
create function backlog() returns table (channel text, lane integer, messages bigint, since timestamptz)
  language sql stable security definer
  set search_path from current
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_sort = off
  set enable_incremental_sort = off
  set jit = off
  set work_mem = '64MB'
  as $$
    select b.channel, b.lane, sum(b.messages)::bigint, min(b.since)
    from (
      select m.channel::text as channel,
        ((coalesce(hashtextextended(m.key, 0), m.seq) & 9223372036854775807) % d.lanes)::integer as lane,
        count(*) as messages, min(m.occurred_at)::timestamptz as since
      from message m
      join (select distinct p.channel, p.lanes from lane_position p) d on d.channel = m.channel
      where m.xid >= (select h.xmax from fresh_horizon h) and m.xid <= '18446744073709551615'
      group by 1, 2
      union all
      select u.channel::text, u.lane, count(*), min(u.occurred_at)::timestamptz
      from unpublished u
      where u.xid < (select h.xmax from fresh_horizon h)
      group by 1, 2
    ) b
    group by b.channel, b.lane
  $$;

create function backlog_by_key() returns table (channel text, topic text, key text, messages bigint, since timestamptz)
  language sql stable security definer
  set search_path from current
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_sort = off
  set enable_incremental_sort = off
  set jit = off
  set work_mem = '64MB'
  as $$
    select b.channel, b.topic, b.key, sum(b.messages)::bigint, min(b.since)
    from (
      select m.channel::text as channel, m.topic::text as topic, m.key::text as key, count(*) as messages,
        min(m.occurred_at)::timestamptz as since
      from message m
      where m.xid >= coalesce((select h.xmax from fresh_horizon h), '0') and m.xid <= '18446744073709551615'
      group by 1, 2, 3
      union all
      select u.channel::text, u.topic::text, u.key::text, count(*), min(u.occurred_at)::timestamptz
      from unpublished u
      where u.xid < (select h.xmax from fresh_horizon h)
      group by 1, 2, 3
      union all
      select m.channel::text, m.topic::text, m.key::text, count(*), min(m.occurred_at)::timestamptz
      from message m
      where m.xid < (select h.xmax from fresh_horizon h) and m.xid >= '0'
        and not exists (select from lane l where l.channel = m.channel)
      group by 1, 2, 3
    ) b
    group by b.channel, b.topic, b.key
  $$;

create or replace view pending_by_key as
  select channel::message_channel as channel, topic::message_topic as topic, key::message_key as key, messages, since,
    clock_timestamp() - since as oldest_age
  from backlog_by_key();

-- How much each lane has still to do, and since when.
create view lag as
  select p.channel, p.lane, coalesce(b.messages, 0) as pending, b.since as oldest_pending_at,
    clock_timestamp() - b.since as oldest_age
  from lane_position p
  left join backlog() b on b.channel = p.channel and b.lane = p.lane;

-- One row for each lane in force, and one for each channel without lanes among the newest 100,000 messages: there is no
-- index by channel, and older ones are found by reading everything, as pending does.
create view status as
  with counted as (
    select c.channel, (coalesce(hashtextextended(k.key, 0), k.seq) & 9223372036854775807) % c.lanes as lane,
      count(*) filter (where k.state = 'WAITING') as waiting,
      count(*) filter (where k.state = 'RETRYING') as retrying,
      count(*) filter (where k.state = 'HELD') as held,
      count(*) filter (where k.state = 'DEAD') as dead
    from parked k
    join (select distinct channel, lanes from lane_position) c on c.channel = k.channel
    where k.resolved_at is null
    group by 1, 2
  )
  select p.channel, p.lane, p.lanes, p.generation, l.owner, l.lease_until,
    case
      when l.paused_at is not null then 'PAUSED'
      when l.owner is null or l.lease_until < clock_timestamp() then 'NO OWNER'
      when l.trouble is not null then 'TROUBLED'
      else 'RUNNING'
    end as state,
    case
      when l.paused_at is not null then l.paused_at
      when l.owner is null or l.lease_until < clock_timestamp() then l.lease_until
      else l.trouble_since
    end as since,
    case
      when l.paused_at is not null then l.pause_reason || coalesce(' (by ' || l.paused_by || ')', '')
      else l.trouble
    end as detail,
    g.pending, g.oldest_age, p.published,
    coalesce(c.waiting, 0) as waiting, coalesce(c.retrying, 0) as retrying, coalesce(c.held, 0) as held,
    coalesce(c.dead, 0) as dead,
    p.order_exceptions, p.no as checkpoint_no, p.made_at as checkpoint_at
  from lane_position p
  join lane l on l.channel = p.channel and l.generation = p.generation and l.lane = p.lane
  join lag g on g.channel = p.channel and g.lane = p.lane
  left join counted c on c.channel = p.channel and c.lane = p.lane
  union all
  select n.channel, null, null, null, null, null, 'NO LANES', min(n.occurred_at),
    'no relay has ever served this channel', count(*), clock_timestamp() - min(n.occurred_at), 0, 0, 0, 0, 0, 0, null, null
  from (select channel, occurred_at from message order by seq desc limit 100000) n
  where not exists (select from lane l where l.channel = n.channel)
  group by n.channel;

-- Which keys are held and by what, and which topics wait as a whole: those have no key here. The head of a key is its oldest
-- message that is not resolved; a message without a key holds nobody.
create view held_keys as
  select channel, topic, case when state <> 'WAITING' then key end as key, id as head_id, seq as head_seq,
    state as head_state, case when state = 'WAITING' then line else line - 1 end as held, parked_at as since, attempts,
    next_attempt_at, last_error_class, last_error
  from (
    select channel, topic, key, id, seq, state, parked_at, attempts, next_attempt_at, last_error_class, last_error,
      count(*) over held_together as line, row_number() over (held_together order by seq) as place
    from parked
    where resolved_at is null and (key is not null or state = 'WAITING')
    window held_together as (
      partition by channel, topic, state = 'WAITING', case when state <> 'WAITING' then key end)
  ) k
  where place = 1;

-- What went where: each checkpoint that published something.
create view receipts as
  select channel, generation, lane, no, first_seq, last_seq, broker_positions, relay, made_at
  from checkpoint
  where first_seq is not null;

-- Which versions are still to be published: what must not be retired yet.
create view versions_pending as
  select type, version, count(*) as messages, min(occurred_at)::timestamptz as oldest
  from (
    select type, version, occurred_at from pending
    union all
    select type, version, occurred_at from parked where resolved_at is null
  ) u
  group by type, version;

create view replays as
  select r.id, r.channel,
    concat_ws(', ',
      cardinality(r.ids) || ' ids', 'topic ' || r.topic, 'key ' || r.key, 'type ' || r.type, 'since ' || r.since,
      'until ' || r.until,
      case when num_nonnulls(r.ids, r.topic, r.key, r.type, r.since, r.until) = 0 then 'all messages' end) as filter,
    r.to_topic, r.rate, r.matched, coalesce(l.published, 0) as published, coalesce(l.refused, 0) as refused, r.state,
    r.requested_by, r.requested_at, r.finished_at, r.reason, r.error
  from replay r
  left join (
    select replay, sum(published)::bigint as published, sum(refused)::bigint as refused
    from replay_lane
    group by replay
  ) l on l.replay = r.id;

---------------------------------------------------------------------------------------------------------------------------
-- Words: answers are one line, whatever is in them
---------------------------------------------------------------------------------------------------------------------------

create function on_one_line(words text) returns text
  language sql immutable
  as $$ select regexp_replace(words, '[[:cntrl:]]', '?', 'g') $$;

-- What somebody else wrote, recognisable as such: in quotes, on one line, at most 200 characters.
create function quoted(words text) returns text
  language sql immutable
  set search_path from current
  as $$ select '''' || on_one_line(left(words, 200)) || case when length(words) > 200 then '...' else '' end || '''' $$;

create function utc(at timestamptz) returns text
  language sql stable
  as $$ select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') $$;

-- The first five of a list.
create function listed(ids uuid[]) returns text
  language sql immutable
  as $$
    select array_to_string(ids[1:5], ', ')
      || case when cardinality(ids) > 5 then format(' and %s more', cardinality(ids) - 5) else '' end
  $$;

create function cut_to_bytes(words text, bytes_max integer) returns text
  language plpgsql immutable
  as $$
  begin
    words := left(words, bytes_max);
    while octet_length(words) > bytes_max loop
      words := left(words, -1);
    end loop;
    return words;
  end
  $$;

-- The time in a UUIDv7 (RFC 9562, section 5.7); null in others.
create function time_in(id uuid) returns timestamptz
  language sql immutable
  as $$
    select case when substr(id::text, 15, 1) = '7'
      then to_timestamp(('x' || substr(id::text, 1, 8) || substr(id::text, 10, 4))::bit(48)::bigint / 1000.0) end
  $$;

create function lane_of(key text, seq bigint, lanes integer) returns integer
  language sql immutable
  as $$ select ((coalesce(hashtextextended(key, 0), seq) & 9223372036854775807) % lanes)::integer $$;

-- Whether a position has this message behind it.
create function is_covered(xid xid8, seq bigint, snapshot pg_snapshot, window_snapshot pg_snapshot, page_seq bigint)
  returns boolean
  language sql immutable
  as $$
    select pg_visible_in_snapshot(xid, snapshot)
      or (window_snapshot is not null and seq <= page_seq and pg_visible_in_snapshot(xid, window_snapshot))
  $$;

---------------------------------------------------------------------------------------------------------------------------
-- Finding a message by its id, without an index on it
---------------------------------------------------------------------------------------------------------------------------

-- About the first seq whose message was made at that time or later. The middle one of five neighbours speaks for a place,
-- so that one message of a wrong clock does not send the search astray.
create function seq_at(at timestamptz, low bigint, high bigint) returns bigint
  language plpgsql stable
  set search_path from current
  set enable_seqscan = off
  set enable_bitmapscan = off
  set jit = off
  as $$
  declare
    middle bigint;
    made_at timestamptz;
  begin
    while low < high loop
      middle := low + (high - low) / 2;
      select percentile_disc(0.5) within group (order by coalesce(time_in(n.id), n.occurred_at)) into made_at
      from (
        select m.id, m.occurred_at
        from message m
        where m.seq >= middle and m.seq <= high
        order by m.seq
        limit 5
      ) n;
      if made_at < at then
        low := middle + 1;
      else
        high := middle;
      end if;
    end loop;
    return low;
  end
  $$;

-- Where a message is, or null: around the time in its id, within 0.1 s at first and 30 min at last, since ids are made by the
-- clocks of applications; and if it is not there, or its id holds no time, among the newest 1,000,000 numbers.
create function locate(id uuid) returns bigint
  language plpgsql stable
  set search_path from current
  set enable_seqscan = off
  set enable_bitmapscan = off
  set max_parallel_workers_per_gather = 0
  set jit = off
  as $$
  declare
    rows_max constant integer := 1000000;
    made_at timestamptz := time_in(locate.id);
    margin interval;
    oldest bigint;
    newest bigint;
    low bigint;
    high bigint;
    place bigint;
  begin
    select min(m.seq), max(m.seq) into oldest, newest from message m;
    if made_at is not null then
      foreach margin in array array['0.1 s', '2 s', '1 min', '30 min']::interval[] loop
        low := seq_at(made_at - margin, oldest, newest) - 10;
        high := seq_at(made_at + margin, low, newest) + 10;
        exit when high - low > rows_max;
        select max(m.seq) into place from message m where m.seq between low and high and m.id = locate.id;
        if place is not null or (low <= oldest and high >= newest) then
          return place;
        end if;
      end loop;
    end if;
    select max(m.seq) into place from message m where m.seq > newest - rows_max and m.id = locate.id;
    return place;
  end
  $$;

-- The checkpoint that published a message: coverage grows with no, so it is found by halving. A channel that was divided
-- anew has its older receipts in the generation before. Receipts are thinned with time; what is left then is the time
-- before which it was published, and exact is false.
create function receipt(
  channel text, topic text, key text, xid xid8, seq bigint,
  out relay text, out made_at timestamptz, out broker_positions json, out exact boolean
)
  language plpgsql stable
  set search_path from current
  as $$
  #variable_conflict use_column
  declare
    division record;
    oldest bigint;
    low bigint;
    high bigint;
    middle record;
    found_at record;
    mine json;
  begin
    for division in
      select l.generation, lane_of(receipt.key, receipt.seq, min(l.lanes)) as lane
      from lane l
      where l.channel = receipt.channel
      group by l.generation
      order by l.generation desc
    loop
      select min(c.no), max(c.no) into low, high
      from checkpoint c
      where c.channel = receipt.channel and c.generation = division.generation and c.lane = division.lane;
      continue when low is null;
      oldest := low;
      select c.* into middle
      from checkpoint c
      where c.channel = receipt.channel and c.generation = division.generation and c.lane = division.lane and c.no = high;
      exit when not is_covered(receipt.xid, receipt.seq, middle.snapshot, middle.window_snapshot, middle.page_seq);
      while low < high loop
        select c.no, c.snapshot, c.window_snapshot, c.page_seq into middle
        from checkpoint c
        where c.channel = receipt.channel and c.generation = division.generation and c.lane = division.lane
          and c.no >= low + (high - low) / 2
        order by c.no
        limit 1;
        if is_covered(receipt.xid, receipt.seq, middle.snapshot, middle.window_snapshot, middle.page_seq) then
          high := low + (high - low) / 2;
        else
          low := middle.no + 1;
        end if;
      end loop;
      select c.no, c.relay, c.made_at, c.broker_positions, c.first_seq, c.last_seq, exists (
          select from checkpoint b
          where b.channel = c.channel and b.generation = c.generation and b.lane = c.lane and b.no = c.no - 1
        ) or c.no = 1 as first_to_cover
      into found_at
      from checkpoint c
      where c.channel = receipt.channel and c.generation = division.generation and c.lane = division.lane and c.no >= low
      order by c.no
      limit 1;
      relay := found_at.relay;
      made_at := found_at.made_at;
      exact := found_at.first_to_cover and coalesce(receipt.seq between found_at.first_seq and found_at.last_seq, false);
      broker_positions := case when exact then found_at.broker_positions end;
      exit when found_at.no > oldest;
    end loop;
    -- What went to the message's own topic, unless a route sent it elsewhere.
    select json_object_agg(p.key, p.value) into mine
    from json_each(broker_positions) p
    where starts_with(p.key, receipt.topic || ':')
      or (starts_with(p.key, receipt.topic || '-') and substr(p.key, length(receipt.topic) + 2) ~ '^[0-9]+$');
    broker_positions := coalesce(mine, broker_positions);
  end
  $$;

---------------------------------------------------------------------------------------------------------------------------
-- Reads
---------------------------------------------------------------------------------------------------------------------------

-- What became of a message. One row, also for an id that is nowhere: its status is UNKNOWN then.
create function message_status(
  inout id uuid, out seq bigint, out channel text, out lane integer, out topic text, out key text, out type text,
  out version text, out occurred_at timestamptz, out status text, out since timestamptz, out relay text,
  out broker_positions json, out held_by uuid, out attempts integer, out next_attempt_at timestamptz,
  out last_error_class text, out last_error text, out resolution text
)
  language plpgsql stable security definer
  set search_path from current
  as $$
  #variable_conflict use_column
  declare
    k record;
    m record;
    p record;
  begin
    if message_status.id is null then
      raise exception using errcode = 'OB001', message = 'no id was given', hint = 'Give the id of a message.';
    end if;
    select q.seq, q.channel, q.lane, q.topic, q.key, q.type, q.version, q.occurred_at, q.state, q.parked_at, q.attempts,
      q.next_attempt_at, q.last_error_class, q.last_error, q.resolution, q.resolved_at, q.resolved_by, q.broker_positions,
      q.held_by
    into k
    from parked q
    where q.id = message_status.id
    order by q.resolved_at is null desc, q.seq desc
    limit 1;
    if found then
      select (select h.id from parked h where h.seq = k.held_by), lane_of(k.key, k.seq, max(c.lanes))
      into held_by, lane
      from lane_position c
      where c.channel = k.channel;
      seq := k.seq;
      channel := k.channel;
      topic := k.topic;
      key := k.key;
      type := k.type;
      version := k.version;
      occurred_at := k.occurred_at;
      status := case
        when k.state <> 'RESOLVED' then k.state
        when k.resolution like 'discarded%' then 'DISCARDED'
        else 'PUBLISHED'
      end;
      since := coalesce(k.resolved_at, k.parked_at);
      relay := case when k.resolved_at is not null and status = 'PUBLISHED' then k.resolved_by end;
      broker_positions := k.broker_positions;
      attempts := k.attempts;
      next_attempt_at := k.next_attempt_at;
      last_error_class := k.last_error_class;
      last_error := k.last_error;
      resolution := k.resolution;
      return;
    end if;
    seq := locate(message_status.id);
    select n.* into m from message n where n.seq = message_status.seq;
    if not found then
      status := 'UNKNOWN';
      return;
    end if;
    channel := m.channel;
    topic := m.topic;
    key := m.key;
    type := m.type;
    version := m.version;
    occurred_at := m.occurred_at;
    select c.* into p
    from lane_position c
    where c.channel = m.channel and c.lane = lane_of(m.key, m.seq, c.lanes);
    if not found then
      status := 'NO LANES';
      since := m.occurred_at;
    elsif is_covered(m.xid, m.seq, p.snapshot, p.window_snapshot, p.page_seq) then
      lane := p.lane;
      status := 'PUBLISHED';
      select r.relay, r.made_at, r.broker_positions into relay, since, broker_positions
      from receipt(m.channel, m.topic, m.key, m.xid, m.seq) r;
    else
      lane := p.lane;
      status := 'PENDING';
      since := m.occurred_at;
    end if;
  end
  $$;

-- What hinders a lane, or who has it if nothing does.
create function lane_in_words(channel text, lane integer, out hindered boolean, out words text)
  language plpgsql stable
  set search_path from current
  as $$
  #variable_conflict use_column
  declare
    l record;
    name text := lane_in_words.channel || '/' || lane_in_words.lane;
  begin
    select w.*, r.seen_at into l
    from lane w
    left join relay r on r.id = w.owner
    where w.channel = lane_in_words.channel and w.lane = lane_in_words.lane
    order by w.generation desc
    limit 1;
    hindered := true;
    if not found then
      words := format('channel %s has no lanes, no relay has ever served it', quoted(lane_in_words.channel));
    elsif l.paused_at is not null then
      words := format('lane %s is paused by %s since %s: %s', name, coalesce(l.paused_by, 'an operator'),
        utc(l.paused_at), quoted(l.pause_reason));
    elsif l.owner is null or l.lease_until < clock_timestamp() then
      words := format('lane %s has no owner', name)
        || coalesce(', the lease of relay ' || l.owner || ' ended at ' || utc(l.lease_until), '')
        || coalesce(
          (select '; relays that were seen last: ' || string_agg(s.id || ' at ' || utc(s.seen_at), ', ')
           from (select r.id, r.seen_at from relay r order by r.seen_at desc limit 3) s),
          '; no relay runs');
    else
      words := format('relay %s holds the lease of lane %s until %s', l.owner, name, utc(l.lease_until));
      if l.trouble is not null then
        words := words || format(' and does not get on since %s: %s', utc(l.trouble_since), l.trouble);
      else
        hindered := false;
      end if;
    end if;
  end
  $$;

-- What keeps a parked message that is not held behind another.
create function parked_in_words(seq bigint) returns text
  language plpgsql stable
  set search_path from current
  as $$
  #variable_conflict use_column
  declare
    k record;
    error text;
  begin
    select q.* into k from parked q where q.seq = parked_in_words.seq;
    if not found then
      return 'is not parked any more';
    end if;
    error := coalesce(': ' || k.last_error_class || ': ' || left(k.last_error, 500), '');
    return case k.state
      when 'WAITING' then format('waits for topic %s, which is unavailable since %s%s', quoted(k.topic),
        utc((select min(w.parked_at) from parked w
             where w.channel = k.channel and w.topic = k.topic and w.state = 'WAITING')), error)
      when 'RETRYING' then format('was refused, attempts made: %s, tried again %s%s', k.attempts,
        case when k.next_attempt_at > clock_timestamp() then 'at ' || utc(k.next_attempt_at) else 'at once' end, error)
      when 'DEAD' then format('is dead since %s, attempts made: %s%s',
        utc(coalesce((select max(a.attempted_at) from attempt a where a.seq = k.seq), k.parked_at)), k.attempts, error)
      when 'HELD' then 'is held itself'
      else case
        when k.resolution like 'discarded%' then
          format('was discarded at %s by %s: %s', utc(k.resolved_at), coalesce(k.resolved_by, 'somebody'), quoted(k.resolution))
        else format('was published at %s by relay %s', utc(k.resolved_at), coalesce(k.resolved_by, '(not known)'))
      end
    end;
  end
  $$;

-- Who may still be about to commit a message: every transaction that has written to the outbox and is open. What is hidden
-- from the owner of this function is said to be.
create function open_transactions_in_words() returns text
  language plpgsql stable
  set search_path from current
  as $$
  declare
    answer text;
    shown_max constant integer := 5;
  begin
    with writer as (
      select distinct l.pid, l.virtualtransaction
      from pg_locks l
      where l.locktype = 'relation'
        and l.relation in ('message_0'::regclass, 'message_1'::regclass, 'message_2'::regclass, 'message_3'::regclass)
        and l.database = (select d.oid from pg_database d where d.datname = current_database())
        and l.mode = 'RowExclusiveLock' and l.granted and l.pid is distinct from pg_backend_pid()
    ), described as (
      select format('pid %s (application %s, role %s, %s)', w.pid, quoted(coalesce(nullif(a.application_name, ''), 'unnamed')),
          a.usename,
          coalesce('open for ' || (date_trunc('second', clock_timestamp() - a.xact_start))::text || coalesce(', ' || a.state, ''),
            'its age is hidden from role ' || current_user)) as words,
        a.xact_start as since
      from writer w
      join pg_stat_activity a on a.pid = w.pid
      union all
      select format('prepared transaction %s (role %s, prepared %s ago)', quoted(x.gid), x.owner,
          date_trunc('second', clock_timestamp() - x.prepared)),
        x.prepared
      from writer w
      join pg_locks t on t.pid is null and t.locktype = 'transactionid' and t.virtualtransaction = w.virtualtransaction
      join pg_prepared_xacts x on x.transaction = t.transactionid
      where w.pid is null
    )
    select string_agg(d.words, ', ' order by d.place) filter (where d.place <= shown_max)
      || case when count(*) > shown_max then format(' and %s more', count(*) - shown_max) else '' end
    into answer
    from (select words, row_number() over (order by since) as place from described) d;
    return answer;
  end
  $$;

-- How much of its lane is to be published before a message; counted among the first 20,000 that are not published.
create function queue_in_words(channel text, lane integer, seq bigint) returns text
  language plpgsql stable
  set search_path from current
  set enable_seqscan = off
  set enable_bitmapscan = off
  set jit = off
  as $$
  #variable_conflict use_column
  declare
    rows_max constant integer := 20000;
    p record;
    walked bigint;
    before bigint;
  begin
    select c.* into p
    from lane_position c
    where c.channel = queue_in_words.channel and c.lane = queue_in_words.lane;
    select count(*), count(*) filter (
        where n.seq < queue_in_words.seq and n.channel = queue_in_words.channel
          and lane_of(n.key, n.seq, p.lanes) = p.lane
          and not is_covered(n.xid, n.seq, p.snapshot, p.window_snapshot, p.page_seq))
    into walked, before
    from (
      select m.xid, m.seq, m.channel, m.key
      from message m
      where m.xid = any (array(select pg_snapshot_xip(p.snapshot))) and m.xid < pg_snapshot_xmax(p.snapshot)
      union all
      (select m.xid, m.seq, m.channel, m.key
       from message m
       where m.xid >= pg_snapshot_xmax(p.snapshot)
       order by m.xid, m.seq
       limit rows_max)
      limit rows_max
    ) n;
    return format('messages of the lane before it: %s%s', before, case when walked >= rows_max then ' or more' else '' end);
  end
  $$;

-- Why a message that is nowhere is nowhere.
create function absence_in_words(id uuid) returns text
  language plpgsql stable
  set search_path from current
  as $$
  declare
    made_at timestamptz := time_in(id);
    emptied record;
    writers text;
    searched text;
  begin
    if made_at < (select min(l.opened_at) from segment_log l) then
      return format('Message %s is not here: its id was made at %s, and what this outbox remembers begins at %s.', id,
        utc(made_at), utc((select min(l.opened_at) from segment_log l)));
    end if;
    select l.truncated_at into emptied
    from segment_log l
    where l.truncated_at is not null and made_at <= l.closed_at
    order by l.closed_at
    limit 1;
    if found then
      return format('Message %s is gone, if it ever was: its id was made at %s, and the segment of that time was truncated by'
        || ' retention at %s, after all of it had been published or parked.', id, utc(made_at), utc(emptied.truncated_at));
    end if;
    searched := case
      when (select coalesce(max(m.seq) - min(m.seq), 0) < 1000000 from message m) then 'through the whole outbox'
      when made_at is null then 'through the newest 1,000,000 numbers; its id holds no time to look elsewhere by'
      else 'through what was made within 30 min of its id, and the newest 1,000,000 numbers'
    end;
    writers := open_transactions_in_words();
    if writers is not null then
      return format('Message %s is not committed (looked %s). Transactions that have written to the outbox are open and may'
        || ' still commit it: %s.', id, searched, writers);
    end if;
    return format('Message %s is not there (looked %s), and no open transaction has written to the outbox: it was rolled back,'
      || ' or was never appended here.', id, searched);
  end
  $$;

-- Why a message is not published, or when it was, in a sentence or two.
create function why_stuck(id uuid) returns text
  language plpgsql stable security definer
  set search_path from current
  as $$
  #variable_conflict use_column
  declare
    s record;
    w record;
    head record;
    answer text;
  begin
    select x.* into s from message_status(why_stuck.id) x;
    select x.* into w from lane_in_words(s.channel, s.lane) x;
    case s.status
      when 'UNKNOWN' then
        answer := absence_in_words(why_stuck.id);
      when 'NO LANES' then
        answer := format('Message %s is pending since %s: its channel %s has no lanes, no relay has ever served it.'
          || ' Start a relay for this channel, or look whether the name is right.',
          s.id, utc(s.since), quoted(s.channel));
      when 'PENDING' then
        answer := format('Message %s is pending since %s: %s; %s.', s.id, utc(s.since), w.words,
          queue_in_words(s.channel, s.lane, s.seq));
      when 'PUBLISHED' then
        answer := format('Message %s was published %s %s by relay %s%s.', s.id,
          case when s.broker_positions is null then 'not later than' else 'at' end, utc(s.since),
          coalesce(s.relay, '(not known)'),
          coalesce(' to ' || left(regexp_replace(s.broker_positions::text, '\s+', ' ', 'g'), 500)
            || ' (destination: first and last offset of its checkpoint)', ''));
      when 'DISCARDED' then
        answer := format('Message %s %s.', s.id, parked_in_words(s.seq));
      when 'HELD' then
        select k.id, k.seq, k.state, k.resolution into head
        from parked q
        left join parked k on k.seq = q.held_by
        where q.seq = s.seq;
        answer := format('Message %s is held since %s behind message %s of its key %s in topic %s, which %s.', s.id,
          utc(s.since), coalesce(head.id::text, '(not kept)'), quoted(s.key), quoted(s.topic), parked_in_words(head.seq));
        answer := answer || case head.state
          when 'DEAD' then ' Retry or discard that one, then this one follows.'
          when 'RESOLVED' then ' The owner of the lane publishes what was behind it, in order.'
          else ''
        end;
      when 'DEAD' then
        answer := format('Message %s %s. Retry or discard it%s.', s.id, parked_in_words(s.seq),
          (select format('; held behind it: %s', h.held) from held_keys h where h.head_seq = s.seq and h.held > 0));
      else
        answer := format('Message %s %s.', s.id, parked_in_words(s.seq));
    end case;
    if s.status in ('WAITING', 'RETRYING', 'HELD', 'DEAD') and w.hindered then
      answer := answer || ' ' || upper(left(w.words, 1)) || substr(w.words, 2) || '.';
    end if;
    return on_one_line(answer);
  end
  $$;

-- Messages that are still in the ring, the newest first; the page after this one begins before_seq its last. Walks at most
-- 1,000,000 numbers, and when that was not enough says by a notice where to go on.
create function find_messages(
  out seq bigint, out id uuid, out occurred_at timestamptz,
  inout channel text default null, inout topic text default null, inout key text default null,
  inout type text default null,
  out version text, out source text, out payload_bytes integer,
  since timestamptz default null, until timestamptz default null, before_seq bigint default null,
  max_rows integer default 50
) returns setof record
  language plpgsql stable security definer
  set search_path from current
  set enable_seqscan = off
  set enable_bitmapscan = off
  set max_parallel_workers_per_gather = 0
  set jit = off
  as $$
  #variable_conflict use_column
  declare
    rows_max constant integer := 10000;
    walk_max constant integer := 1000000;
    high bigint;
    low bigint;
    given integer;
  begin
    if find_messages.max_rows is null or find_messages.max_rows not between 1 and rows_max then
      raise exception using errcode = 'OB001',
        message = format('max_rows is %s', coalesce(find_messages.max_rows::text, 'null')),
        hint = format('Give 1 to %s and go on with before_seq.', rows_max);
    end if;
    perform check_filter(find_messages.channel, find_messages.topic, find_messages.key, find_messages.type);
    select max(m.seq) into high
    from message m
    where m.seq < coalesce(find_messages.before_seq, 9223372036854775807);
    low := high - walk_max;
    return query
      select m.seq, m.id, m.occurred_at::timestamptz, m.channel::text, m.topic::text, m.key::text, m.type::text,
        m.version::text, m.source::text, coalesce(octet_length(m.payload::text), octet_length(m.body), 0)
      from message m
      where m.seq > low and m.seq <= high
        and (find_messages.channel is null or m.channel = find_messages.channel)
        and (find_messages.topic is null or m.topic = find_messages.topic)
        and (find_messages.key is null or m.key = find_messages.key)
        and (find_messages.type is null or m.type = find_messages.type)
        and (find_messages.since is null or m.occurred_at >= find_messages.since)
        and (find_messages.until is null or m.occurred_at < find_messages.until)
      order by m.seq desc
      limit find_messages.max_rows;
    get diagnostics given = row_count;
    if given < find_messages.max_rows and exists (select from message m where m.seq <= low) then
      raise notice 'looked at 1,000,000 numbers and there are older messages: go on with before_seq => %', low + 1;
    end if;
  end
  $$;

-- The failed attempts at a message, the newest first, at most 100.
create function attempts(id uuid) returns table (
  no integer, attempted_at timestamptz, relay text, error_class text, error text
)
  language plpgsql stable security definer
  set search_path from current
  as $$
  #variable_conflict use_column
  begin
    if (select s.status from message_status(attempts.id) s) = 'UNKNOWN' then
      raise exception using errcode = 'OB002', message = format('there is no message %s', attempts.id),
        hint = 'why_stuck tells where it was looked for, and who may still commit it.';
    end if;
    return query
      select a.no, a.attempted_at, a.relay, a.error_class, a.error
      from attempt a
      where a.seq in (select k.seq from parked k where k.id = attempts.id)
      order by a.attempted_at desc, a.no desc
      limit 100;
  end
  $$;

-- Everything of one message, content and all: for operators. xid and segment are null once only the parked copy is left.
create function show_message(
  out xid text, out seq bigint, out segment integer, inout id uuid, out channel text, out topic text, out key text,
  out type text, out version text, out occurred_at timestamptz, out correlation_id text, out causation_id text,
  out source text, out headers text, out payload text, out body bytea, out content_type text
) returns setof record
  language plpgsql stable security definer
  set search_path from current
  as $$
  #variable_conflict use_column
  declare
    s record;
  begin
    select x.* into s from message_status(show_message.id) x;
    return query
      select m.xid::text, m.seq, m.segment::integer, m.id, m.channel::text, m.topic::text, m.key::text, m.type::text,
        m.version::text, m.occurred_at::timestamptz, m.correlation_id::text, m.causation_id::text, m.source::text,
        m.headers::text, m.payload::text, m.body::bytea, m.content_type::text
      from message m
      where m.seq = s.seq and m.id = show_message.id;
    if not found then
      return query
        select null::text, k.seq, null::integer, k.id, k.channel, k.topic, k.key, k.type, k.version, k.occurred_at,
          k.correlation_id, k.causation_id, k.source, k.headers::text, k.payload::text, k.body, k.content_type
        from parked k
        where k.seq = s.seq;
    end if;
    if not found then
      raise exception using errcode = 'OB002', message = format('there is no message %s', show_message.id),
        hint = 'why_stuck tells where it was looked for, and who may still commit it.';
    end if;
  end
  $$;

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

---------------------------------------------------------------------------------------------------------------------------
-- Roles
---------------------------------------------------------------------------------------------------------------------------

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
      'on_one_line', 'quoted', 'utc', 'listed', 'cut_to_bytes', 'time_in', 'lane_of', 'is_covered', 'seq_at', 'locate', 'locate_all',
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
