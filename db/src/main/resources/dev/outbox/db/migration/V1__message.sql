-- The outbox itself: an append-only table in four segments that are emptied whole.
-- Names are unqualified: the first schema of search_path is the one that gets the tables.

-- CACHE 1: a session that held numbers in reserve would append with a number older than its neighbour's, out of order.
create sequence message_seq as bigint cache 1;

-- The number of the segment in use; its remainder by four names the child. Rotating is nextval: nobody waits for it.
-- It has a value from the start, so that a writer who may not read it is told (segment would be null) instead of taking 0 for it.
create sequence segment_seq as bigint minvalue 0 start 0 cache 1;
select nextval('segment_seq');

-- A UUIDv7 (RFC 9562, section 5.7) for rows that are written by plain SQL; the libraries bring their own.
create function uuid_v7() returns uuid
  language sql volatile parallel safe
  as $$
    select encode(
      set_bit(set_bit(
        overlay(uuid_send(gen_random_uuid())
          placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
          from 1 for 6),
        52, 1), 53, 1),
      'hex')::uuid
  $$;

-- The limits are domains and not constraints of the table: a table's checks are prepared anew for every statement, which
-- cost each append 47 of 81 microseconds; a domain's are kept by the session.
create domain message_channel as text
  constraint message_channel_length check (octet_length(value) between 1 and 63);
create domain message_topic as text
  constraint message_topic_length check (octet_length(value) between 1 and 249);
create domain message_key as text
  constraint message_key_length check (octet_length(value) between 1 and 1024);
create domain message_type as text
  constraint message_type_length check (octet_length(value) between 1 and 255);
create domain message_version as text
  constraint message_version_pattern check (value ~ '^[0-9]{1,5}\.[0-9]{1,5}$');
create domain message_time as timestamptz
  constraint message_occurred_at_range check (value >= '0001-01-01 00:00:00+00' and value < '10000-01-01 00:00:00+00');
create domain message_correlation_id as text
  constraint message_correlation_id_length check (octet_length(value) between 1 and 255);
create domain message_causation_id as text
  constraint message_causation_id_length check (octet_length(value) between 1 and 255);
create domain message_source as text
  constraint message_source_length check (octet_length(value) between 1 and 255);
create domain message_headers as json
  constraint message_headers_object check (json_typeof(value) = 'object')
  constraint message_headers_length check (octet_length(value::text) <= 32768);
create domain message_payload as json
  constraint message_payload_length check (octet_length(value::text) <= 16777216);
create domain message_body as bytea
  constraint message_body_length check (octet_length(value) <= 16777216);
create domain message_content_type as text
  constraint message_content_type_length check (octet_length(value) between 1 and 255);

create table message (
  xid            xid8                   not null default pg_current_xact_id(),
  seq            bigint                 not null default nextval('message_seq'),
  segment        smallint               not null default (pg_sequence_last_value('segment_seq'::regclass) % 4),
  id             uuid                   not null default uuid_v7(),
  channel        message_channel        not null default 'default',
  topic          message_topic          not null,
  key            message_key            null,
  type           message_type           not null,
  version        message_version        not null default '1.0',
  occurred_at    message_time           not null default clock_timestamp(),
  correlation_id message_correlation_id null,
  causation_id   message_causation_id   null,
  source         message_source         not null default session_user,
  headers        message_headers        null,
  payload        message_payload        null,
  body           message_body           null,
  content_type   message_content_type   not null default 'application/json',
  -- One content at the most, and a tombstone, which has none, needs a key.
  constraint message_content check (
    case when payload is null then body is not null or key is not null else body is null end)
) partition by list (segment);

-- Nothing in a child is ever updated or deleted row by row, so there is nothing to vacuum before it is truncated.
create table message_0 partition of message for values in (0) with (autovacuum_enabled = off, toast.autovacuum_enabled = off);
create table message_1 partition of message for values in (1) with (autovacuum_enabled = off, toast.autovacuum_enabled = off);
create table message_2 partition of message for values in (2) with (autovacuum_enabled = off, toast.autovacuum_enabled = off);
create table message_3 partition of message for values in (3) with (autovacuum_enabled = off, toast.autovacuum_enabled = off);

-- The order of publication, and the way a large window is paged.
alter table message add constraint message_pk primary key (seq, segment);

-- What a snapshot does not hold yet: how a window is opened, and how a late transaction's rows are found.
create index message_xid_seq on message (xid, seq);

-- When each segment was opened, closed and emptied: the retention's memory. no is the value of segment_seq.
create table segment_log (
  no           bigint      not null,
  segment      smallint    not null,
  opened_at    timestamptz not null default clock_timestamp(),
  closed_at    timestamptz null,
  truncated_at timestamptz null,
  constraint segment_log_pk primary key (no),
  constraint segment_log_segment_range check (segment between 0 and 3),
  constraint segment_log_closed_first check (truncated_at is null or closed_at is not null)
);

insert into segment_log (no, segment) values (0, 0);
