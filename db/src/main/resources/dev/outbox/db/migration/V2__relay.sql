-- What the relays keep: who is alive, who owns which lane, how far each lane is, and what it could not publish.

create table relay (
  id         text        not null,
  started_at timestamptz not null default clock_timestamp(),
  seen_at    timestamptz not null default clock_timestamp(),
  version    text        not null,
  address    text        null,
  constraint relay_pk primary key (id),
  constraint relay_id_length check (octet_length(id) between 1 and 255)
);

-- The unit of ownership. The highest generation of a channel is the one in force.
create table lane (
  channel      text        not null,
  generation   integer     not null,
  lane         smallint    not null,
  lanes        smallint    not null,
  owner        text        null,
  epoch        bigint      not null default 0,
  lease_until  timestamptz null,
  paused_at    timestamptz null,
  pause_reason text        null,
  constraint lane_pk primary key (channel, generation, lane),
  constraint lane_channel_length check (octet_length(channel) between 1 and 63),
  constraint lane_generation_range check (generation >= 1),
  constraint lane_lanes_range check (lanes between 1 and 256),
  constraint lane_lane_range check (lane >= 0 and lane < lanes),
  constraint lane_owner_leased check ((owner is null) = (lease_until is null)),
  constraint lane_pause_reason_given check ((paused_at is null) = (pause_reason is null)),
  constraint lane_pause_reason_length check (octet_length(pause_reason) <= 2000)
) with (fillfactor = 50);

-- Append-only: the newest row is the lane's position, the older ones are the receipts of what was published.
-- Everything visible in snapshot is published; of the window up to window_snapshot, everything up to page_seq too.
create table checkpoint (
  channel           text        not null,
  generation        integer     not null,
  lane              smallint    not null,
  no                bigint      not null,
  snapshot          pg_snapshot not null,
  window_snapshot   pg_snapshot null,
  window_end        bigint      null,
  page_seq          bigint      null,
  published         bigint      not null,
  parked            bigint      not null,
  order_exceptions  bigint      not null default 0,
  first_seq         bigint      null,
  last_seq          bigint      null,
  broker_positions  json        null,
  relay             text        not null,
  epoch             bigint      not null,
  system_identifier bigint      not null,
  timeline          integer     not null,
  made_at           timestamptz not null default clock_timestamp(),
  -- Two writers of one lane collide here: the later one is fenced.
  constraint checkpoint_pk primary key (channel, generation, lane, no),
  constraint checkpoint_lane foreign key (channel, generation, lane) references lane (channel, generation, lane),
  constraint checkpoint_no_range check (no >= 1),
  constraint checkpoint_window_whole check (
    (window_snapshot is null) = (window_end is null) and (window_snapshot is null) = (page_seq is null)),
  constraint checkpoint_counts_range check (published >= 0 and parked >= 0 and order_exceptions >= 0),
  constraint checkpoint_seq_order check ((first_seq is null) = (last_seq is null) and first_seq <= last_seq)
);

-- A full copy of each message that could not be published, and of those that wait behind it.
create table parked (
  seq               bigint      not null,
  id                uuid        not null,
  channel           text        not null,
  topic             text        not null,
  key               text        null,
  type              text        not null,
  version           text        not null,
  occurred_at       timestamptz not null,
  correlation_id    text        null,
  causation_id      text        null,
  source            text        not null,
  headers           json        null,
  payload           json        null,
  body              bytea       null,
  content_type      text        not null,
  generation        integer     not null,
  lane              smallint    not null,
  state             text        not null,
  reason            text        null,
  attempts          integer     not null default 0,
  next_attempt_at   timestamptz null,
  first_error_class text        null,
  first_error       text        null,
  last_error_class  text        null,
  last_error        text        null,
  held_by           bigint      null,
  parked_at         timestamptz not null default clock_timestamp(),
  resolved_at       timestamptz null,
  resolution        text        null,
  resolved_by       text        null,
  constraint parked_pk primary key (seq),
  constraint parked_state_known check (state in ('WAITING', 'HELD', 'DEAD', 'RETRYING', 'RESOLVED')),
  constraint parked_reason_known check (reason in ('TOPIC', 'MESSAGE')),
  constraint parked_held_by_head check (state <> 'HELD' or (held_by is not null and held_by < seq)),
  constraint parked_attempts_range check (attempts >= 0),
  constraint parked_first_error_class_length check (octet_length(first_error_class) <= 255),
  constraint parked_first_error_length check (octet_length(first_error) <= 2000),
  constraint parked_last_error_class_length check (octet_length(last_error_class) <= 255),
  constraint parked_last_error_length check (octet_length(last_error) <= 2000),
  constraint parked_resolution_length check (octet_length(resolution) <= 2000),
  constraint parked_resolved_by_length check (octet_length(resolved_by) <= 255),
  constraint parked_resolved_whole check ((state = 'RESOLVED') = (resolved_at is not null))
);

-- Which keys are held, asked at every takeover; what is resolved is out of it.
create index parked_unresolved on parked (channel, topic, key, seq) where resolved_at is null;

-- Which attempts are due.
create index parked_due on parked (next_attempt_at) where next_attempt_at is not null;

-- Each failed attempt of a parked message.
create table attempt (
  seq          bigint      not null,
  no           integer     not null,
  attempted_at timestamptz not null default clock_timestamp(),
  relay        text        not null,
  error_class  text        not null,
  error        text        not null,
  constraint attempt_pk primary key (seq, no),
  constraint attempt_no_range check (no >= 1),
  constraint attempt_error_class_length check (octet_length(error_class) <= 255),
  constraint attempt_error_length check (octet_length(error) <= 2000)
);

-- What is committed and neither published nor parked, oldest first within a lane.
-- A channel that no relay ever served has no lane, and a lane that has just been made no checkpoint: all of it is pending.
create view pending as
  select m.seq, m.id, m.channel, p.lane, m.topic, m.key, m.type, m.occurred_at, clock_timestamp() - m.occurred_at as age
  from (
    select distinct on (l.channel, l.lane)
      l.channel, l.lane, l.lanes, c.window_snapshot, c.page_seq,
      coalesce(c.snapshot, '1:1:') as snapshot
    from lane l
    left join lateral (
      select snapshot, window_snapshot, page_seq
      from checkpoint c
      where c.channel = l.channel and c.generation = l.generation and c.lane = l.lane
      order by no desc
      limit 1
    ) c on true
    where l.generation = (select max(generation) from lane g where g.channel = l.channel)
  ) p
  cross join lateral (
    -- Two index conditions: with OR in one the whole index would be read.
    select * from message where xid >= pg_snapshot_xmax(p.snapshot)
    union all
    select * from message where xid in (select pg_snapshot_xip(p.snapshot)) and xid < pg_snapshot_xmax(p.snapshot)
  ) m
  where m.channel = p.channel
    and (p.lanes = 1 or (coalesce(hashtextextended(m.key, 0), m.seq) & 9223372036854775807) % p.lanes = p.lane)
    and (p.page_seq is null or m.seq > p.page_seq or not pg_visible_in_snapshot(m.xid, p.window_snapshot))
  union all
  select m.seq, m.id, m.channel, null, m.topic, m.key, m.type, m.occurred_at, clock_timestamp() - m.occurred_at
  from message m
  where not exists (select from lane l where l.channel = m.channel);

create view pending_by_key as
  select channel, topic, key, count(*) as messages, min(occurred_at) as since, max(age) as oldest_age
  from pending
  group by channel, topic, key;
