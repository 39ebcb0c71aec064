-- What retries and replays need: who waits for what, what keeps a lane from going on, and where a parked message went at last.

-- Why the owner does not get on, in words, from the first failure until it is over: an outage of the broker, or too much parked.
alter table lane
  add column trouble       text        null,
  add column trouble_since timestamptz null,
  add constraint lane_trouble_dated check ((trouble is null) = (trouble_since is null)),
  add constraint lane_trouble_length check (octet_length(trouble) <= 2000);

-- Of the checkpoint that published the message after all: destination to first and last offset, as in checkpoint.
alter table parked add column broker_positions json null;

-- A topic that is there again gives what waited for it, in order.
create index parked_waiting on parked (channel, topic, seq) where state = 'WAITING';

-- People ask for a message by its id.
create index parked_id on parked (id);

-- What is resolved is kept for a time and then goes.
create index parked_resolved on parked (resolved_at) where resolved_at is not null;

-- Messages that are still in the ring and are published once more. The range of seq is fixed when it is asked for.
create table replay (
  id           uuid        not null default uuid_v7(),
  channel      text        not null,
  ids          uuid[]      null,
  topic        text        null,
  key          text        null,
  type         text        null,
  since        timestamptz null,
  until        timestamptz null,
  first_seq    bigint      not null,
  last_seq     bigint      not null,
  to_topic     text        null,
  rate         integer     not null,
  matched      bigint      not null,
  state        text        not null default 'RUNNING',
  requested_by text        not null,
  requested_at timestamptz not null default clock_timestamp(),
  reason       text        not null,
  finished_at  timestamptz null,
  error        text        null,
  constraint replay_pk primary key (id),
  constraint replay_state_known check (state in ('RUNNING', 'DONE', 'FAILED', 'CANCELLED')),
  constraint replay_finished_whole check ((state = 'RUNNING') = (finished_at is null)),
  constraint replay_range_order check (first_seq <= last_seq),
  constraint replay_rate_range check (rate between 1 and 1000000),
  constraint replay_ids_length check (cardinality(ids) between 1 and 10000),
  constraint replay_to_topic_length check (octet_length(to_topic) between 1 and 249),
  constraint replay_requested_by_length check (octet_length(requested_by) between 1 and 255),
  constraint replay_reason_length check (octet_length(reason) between 1 and 2000),
  constraint replay_error_length check (octet_length(error) <= 2000)
);

-- What each lane asks for, all the time.
create index replay_running on replay (channel) where state = 'RUNNING';

-- How far each lane is with a replay; written with the lane's checkpoint.
create table replay_lane (
  replay      uuid        not null,
  generation  integer     not null,
  lane        smallint    not null,
  seq         bigint      not null,
  published   bigint      not null,
  refused     bigint      not null default 0,
  last_error  text        null,
  moved_at    timestamptz not null default clock_timestamp(),
  finished_at timestamptz null,
  constraint replay_lane_pk primary key (replay, generation, lane),
  constraint replay_lane_replay foreign key (replay) references replay (id) on delete cascade,
  constraint replay_lane_counts_range check (published >= 0 and refused >= 0),
  constraint replay_lane_last_error_length check (octet_length(last_error) <= 2000)
);
