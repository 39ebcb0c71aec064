-- In a consumer's database: which messages have had their effect. The primary key is what makes an effect happen once.
create table inbox (
  consumer    text        not null,
  message_id  text        not null,
  received_at timestamptz not null default clock_timestamp(),
  constraint inbox_pk primary key (consumer, message_id),
  constraint inbox_consumer_length check (octet_length(consumer) between 1 and 255),
  constraint inbox_message_id_length check (octet_length(message_id) between 1 and 255)
);

-- Rows come in the order of time, so a block-range index finds the old ones and costs a writer next to nothing.
create index inbox_received_at on inbox using brin (received_at) with (pages_per_range = 32);
