-- The inventory service's own tables, in its own database; the inbox is beside them in the schema outbox.
create table stock (
  sku       text   not null,
  available bigint not null,
  reserved  bigint not null default 0,
  constraint stock_pk primary key (sku),
  constraint stock_sku_length check (char_length(sku) between 1 and 64),
  constraint stock_available_range check (available >= 0),
  constraint stock_reserved_range check (reserved >= 0)
);

-- What became of each line of each order. REJECTED is an answer, not an error: nothing is tried again.
create table reservation (
  order_id   uuid        not null,
  sku        text        not null,
  quantity   integer     not null,
  state      text        not null,
  reason     text        null,
  changed_at timestamptz not null default clock_timestamp(),
  constraint reservation_pk primary key (order_id, sku),
  constraint reservation_quantity_range check (quantity >= 1),
  constraint reservation_state_known check (state in ('RESERVED', 'REJECTED', 'RELEASED', 'SHIPPED')),
  constraint reservation_reason_given check ((state = 'REJECTED') = (reason is not null))
);
