-- What people and programs may ask: views and functions, the same from psql, the command line, REST and the console. They change
-- nothing, and show no payload (but show_message).

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

-- A number that every channel's number of lanes divides, so that what is counted by hash modulo this can be divided into lanes
-- afterwards: joining each message with its channel cost as much as reading it. Where it would be large, one as large as the
-- hashes are, which divides them into themselves.
create function lanes_multiple() returns bigint
  language plpgsql stable
  set search_path from current
  as $$
  declare
    slots_max constant bigint := 65536;
    multiple bigint := 1;
    lanes bigint;
  begin
    for lanes in select distinct p.lanes from lane_position p loop
      multiple := lcm(multiple, lanes);
      if multiple > slots_max then
        return 9223372036854775807;
      end if;
    end loop;
    return multiple;
  end
  $$;

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
      select f.channel, (f.slot % d.lanes)::integer as lane, f.messages, f.since
      from (
        select m.channel::text as channel,
          (coalesce(hashtextextended(m.key, 0), m.seq) & 9223372036854775807) % (select lanes_multiple()) as slot,
          count(*) as messages, min(m.occurred_at)::timestamptz as since
        from message m
        where m.xid >= (select h.xmax from fresh_horizon h) and m.xid <= '18446744073709551615'
        group by 1, 2
      ) f
      join (select distinct p.channel, p.lanes from lane_position p) d on d.channel = f.channel
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
